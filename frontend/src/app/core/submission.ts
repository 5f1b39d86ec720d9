import { Directive, ElementRef, Injector, afterNextRender, effect, inject, input, output, signal } from '@angular/core';
import { ApiError } from './problem';

/**
 * One form's way to the API: whether it is on its way, and what the API said of each field. No rule of the API is
 * repeated here; a field's message says what is wrong with it.
 */
export class Submission {
  readonly pending = signal(false);
  readonly problem = signal<ApiError | null>(null);

  /** @param fields paths of the fields that the form shows (`email`, `shippingAddress.line1`). */
  constructor(private readonly fields: readonly string[] = []) {}

  /** What is wrong with a field; null if nothing is. */
  error(field: string): string | null {
    return this.problem()?.fields.get(field) ?? null;
  }

  /** What no field of the form shows; null if there is nothing. */
  get message(): string | null {
    const problem = this.problem();
    if (!problem) return null;
    if (!problem.fields.size) return problem.message;
    const hidden = [...problem.fields].filter(([field]) => !this.fields.includes(field));
    return hidden.map(([, message]) => message).join(' ') || null;
  }

  /**
   * Do `work`, unless it is being done already.
   *
   * @returns whether it succeeded; if not, `problem` says why.
   */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.pending()) return false;
    this.pending.set(true);
    this.problem.set(null);
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem.set(error);
      return false;
    } finally {
      this.pending.set(false);
    }
  }
}

/** `<form [shopForm]="submission" (send)="...">`: after a failure the focus is at what has to be mended. */
@Directive({
  selector: 'form[shopForm]',
  host: {
    novalidate: '',
    '[attr.aria-busy]': 'shopForm().pending()',
    '(submit)': '$event.preventDefault(); send.emit()',
  },
})
export class Form {
  readonly shopForm = input.required<Submission>();
  readonly send = output();

  constructor() {
    const injector = inject(Injector);
    const form: HTMLElement = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
    effect(() => {
      if (!this.shopForm().problem()) return;
      afterNextRender(() => form.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')?.focus(), {
        injector,
      });
    });
  }
}
