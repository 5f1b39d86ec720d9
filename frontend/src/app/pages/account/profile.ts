import { Component, inject, signal } from '@angular/core';
import { Api } from '../../api/api';
import { rename } from '../../api/fn/account/rename';
import { Heading } from '../../core/headings';
import { Session } from '../../core/session';
import { Form, Submission } from '../../core/submission';
import { Toasts } from '../../core/toasts';
import { Field } from '../../ui/field';
import { FormMessage } from '../../ui/form-message';

@Component({
  selector: 'shop-profile',
  imports: [Field, Form, FormMessage, Heading],
  host: { class: 'account-page' },
  template: `
    <h1 shopHeading>Your account</h1>
    <p>
      You log in with <strong>{{ session.user()?.email }}</strong>.
    </p>
    <form [shopForm]="form" (send)="save()">
      <shop-form-message [message]="form.message" />
      <shop-field label="Name" name="name" autocomplete="name" [(value)]="name" [error]="form.error('name')" />
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">Save</button>
    </form>
  `,
})
export default class ProfilePage {
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);
  protected readonly session = inject(Session);

  protected readonly form = new Submission(['name']);
  protected readonly name = signal(this.session.user()?.name ?? '');

  protected async save(): Promise<void> {
    await this.form.run(async () => {
      const { name } = await this.api.invoke(rename, { body: { name: this.name() } });
      this.name.set(name);
      // The name is in the next token.
      await this.session.refresh();
      this.toasts.done('Your name is saved.');
    });
  }
}
