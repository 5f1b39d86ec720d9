import { Injectable } from '@angular/core';

/** Who runs this shop, as each of its pages says it (ops/retail_ops/stack/texts.py). */
@Injectable({ providedIn: 'root' })
export class Seller {
  private readonly name = said('seller');
  private readonly place = said('sent-from');

  /** A build that nobody has published says neither. */
  readonly said = this.name ? `Sold by ${this.name}, sent from ${this.place}` : 'Sold and sent by us';
}

function said(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
}
