import { Injectable, inject } from '@angular/core';
import { Title } from '@angular/platform-browser';
import { RouterStateSnapshot, TitleStrategy } from '@angular/router';

const SHOP = 'CloudRetail';

/** The page's title in the tab: "Bags · CloudRetail". A page that learns its name later sets it by `set`. */
@Injectable({ providedIn: 'root' })
export class Titles extends TitleStrategy {
  private readonly title = inject(Title);

  override updateTitle(state: RouterStateSnapshot): void {
    this.set(this.buildTitle(state));
  }

  set(page: string | undefined): void {
    this.title.setTitle(page ? `${page} · ${SHOP}` : `${SHOP}: well-made things for every day`);
  }
}
