import { Injectable, signal } from '@angular/core';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: 'done' | 'problem';
  /** Where a link in it leads. */
  readonly link?: { readonly text: string; readonly to: string } | undefined;
}

/** Short messages at the edge of the page. They are read out too, and pass by themselves: nothing that matters later. */
@Injectable({ providedIn: 'root' })
export class Toasts {
  private readonly shown = signal<readonly Toast[]>([]);
  private last = 0;

  readonly all = this.shown.asReadonly();

  /** Say that something is done. */
  done(text: string, link?: Toast['link']): void {
    this.show({ id: ++this.last, text, kind: 'done', link }, 6_000);
  }

  /** Say what went wrong, where there is no better place for it. */
  problem(text: string): void {
    this.show({ id: ++this.last, text, kind: 'problem' }, 12_000);
  }

  dismiss(toast: Toast): void {
    this.shown.update((toasts) => toasts.filter((each) => each.id !== toast.id));
  }

  private show(toast: Toast, lasts: number): void {
    // The same words again replace the first, so that a burst of failures is one message.
    this.shown.update((toasts) => [...toasts.filter((each) => each.text !== toast.text), toast].slice(-3));
    setTimeout(() => this.dismiss(toast), lasts);
  }
}
