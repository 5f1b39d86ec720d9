import { HttpClient } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { firstValueFrom } from 'rxjs';

/** What the shop has to say of itself, as it was made of frontend/texts/ and of who runs this shop. */
@Injectable({ providedIn: 'root' })
export class Texts {
  private readonly http = inject(HttpClient);

  /** A text's HTML without its heading. */
  async get(name: string): Promise<string> {
    const text = await firstValueFrom(this.http.get(`/texts/${name}.html`, { responseType: 'text' }));
    return text.replace(/<h1>.*?<\/h1>/, '');
  }
}
