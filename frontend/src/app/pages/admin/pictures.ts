import { Component, computed, inject, input, linkedSignal, output, signal } from '@angular/core';
import { Api } from '../../api/api';
import { putImages } from '../../api/fn/back-office/put-images';
import { uploadImage } from '../../api/fn/back-office/upload-image';
import { ImageState, NewImage, PutImage, StaffPicture, StaffProduct } from '../../api/models';
import { counted } from '../../core/format';
import { ApiError } from '../../core/problem';
import { Form, Submission } from '../../core/submission';
import { Cell } from '../../office/cell';
import { FormMessage } from '../../ui/form-message';
import { moved } from './product-draft';
import { changed, without } from './rate-drafts';

const STATES: Readonly<Record<ImageState, { readonly label: string; readonly tag: string }>> = {
  WAITING: { label: 'Being made ready', tag: 'tag-caution' },
  READY: { label: 'Shown', tag: 'tag-good' },
  FAILED: { label: 'Failed', tag: 'tag-bad' },
};

/** The pictures of a product: uploaded, put in their order, described, removed. */
@Component({
  selector: 'shop-pictures',
  imports: [Cell, Form, FormMessage],
  template: `
    <form class="stack" [shopForm]="form" (send)="save()">
      <shop-form-message [message]="form.message" />
      <div class="field office-narrow">
        <label for="upload">Add pictures</label>
        <input
          #files
          id="upload"
          type="file"
          multiple
          accept="image/webp,image/png,image/jpeg"
          aria-describedby="upload-hint"
          [disabled]="form.pending()"
          (change)="upload(files)"
        />
        <p class="field-hint" id="upload-hint">
          WebP, PNG or JPEG, up to 5 MB each. The first picture stands for the product.
        </p>
      </div>
      <p role="status" class="hint">{{ progress() }}</p>
      @if (draft().length) {
        <div class="data-frame" tabindex="0" role="region" aria-label="Pictures">
          <table class="data">
            <caption>
              Pictures, in the order in which they are shown
            </caption>
            <thead>
              <tr>
                <th scope="col"><span class="visually-hidden">Picture</span></th>
                <th scope="col">What is to be seen on it</th>
                <th scope="col">State</th>
                <th scope="col"><span class="visually-hidden">What to do</span></th>
              </tr>
            </thead>
            <tbody>
              @for (image of draft(); track image.imageId; let at = $index) {
                <tr>
                  <td>
                    @if (pictureOf(image)?.sizes?.[0]; as size) {
                      <img class="thumb thumb-large" [src]="size.url" [alt]="image.alt ?? ''" width="80" height="80" />
                    }
                  </td>
                  <td class="wide">
                    <shop-cell
                      [label]="'What is to be seen on picture ' + (at + 1)"
                      [maxlength]="200"
                      [value]="image.alt ?? ''"
                      (valueChange)="describe(at, $event)"
                      [error]="form.error('images.' + at + '.alt')"
                    />
                  </td>
                  <td>
                    @if (pictureOf(image); as picture) {
                      <span [class]="'tag ' + states[picture.state].tag">{{ states[picture.state].label }}</span>
                      <span class="hint">{{ picture.why }}</span>
                    }
                  </td>
                  <td>
                    <div class="actions">
                      <button
                        type="button"
                        class="button button-quiet"
                        [attr.aria-disabled]="at === 0"
                        (click)="move(at, -1)"
                      >
                        Up<span class="visually-hidden"> picture {{ at + 1 }}</span>
                      </button>
                      <button
                        type="button"
                        class="button button-quiet"
                        [attr.aria-disabled]="at === draft().length - 1"
                        (click)="move(at, 1)"
                      >
                        Down<span class="visually-hidden"> picture {{ at + 1 }}</span>
                      </button>
                      <button type="button" class="button button-danger" (click)="remove(at)">
                        Remove<span class="visually-hidden"> picture {{ at + 1 }}</span>
                      </button>
                    </div>
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      }
      @if (dirty()) {
        <div class="actions">
          <button type="submit" class="button" [attr.aria-busy]="form.pending()">Save the pictures</button>
          <button type="button" class="button button-quiet" (click)="forget()">Leave them as they were</button>
        </div>
      }
    </form>
  `,
})
export class Pictures {
  private readonly api = inject(Api);

  readonly product = input.required<StaffProduct>();
  /** The product after what was done here. */
  readonly changed = output<StaffProduct>();
  /** A picture is on its way: the product is to be looked at again. */
  readonly uploaded = output();
  /** Somebody else has changed the product; as it is now. */
  readonly overtaken = output<StaffProduct>();

  protected readonly states = STATES;
  protected readonly form = new Submission();
  protected readonly progress = signal('');
  private readonly stored = computed<readonly PutImage[]>(() =>
    this.product().images.map(({ imageId, alt }) => ({ imageId, alt })),
  );
  /** Only another order, text or number of pictures begins it anew: what becomes of an upload does not. */
  private readonly key = computed(() => JSON.stringify(this.stored()));
  protected readonly draft = linkedSignal<readonly PutImage[]>(() => JSON.parse(this.key()) as PutImage[]);
  protected readonly dirty = computed(() => JSON.stringify(this.draft()) !== this.key());

  protected pictureOf({ imageId }: PutImage): StaffPicture | undefined {
    return this.product().images.find((each) => each.imageId === imageId);
  }

  protected describe(at: number, alt: string): void {
    this.draft.update((draft) => changed(draft, at, { alt }));
  }

  protected move(at: number, by: -1 | 1): void {
    this.draft.update((draft) => moved(draft, at, by));
  }

  protected remove(at: number): void {
    this.draft.update((draft) => without(draft, at));
  }

  protected forget(): void {
    this.draft.set(this.stored());
    this.form.problem.set(null);
  }

  protected async save(): Promise<void> {
    const { productId, version } = this.product();
    await this.form.run(async () => {
      const body = { version, images: [...this.draft()] };
      this.changed.emit(await this.api.invoke(putImages, { productId, body }));
    });
    this.tellOvertaken();
  }

  /** One after the other, so that they stand in the order in which they were chosen. */
  protected async upload(input: HTMLInputElement): Promise<void> {
    const files = [...(input.files ?? [])];
    let done = 0;
    await this.form.run(async () => {
      for (const file of files) {
        this.progress.set(`Uploading ${done + 1} of ${counted(files.length, 'picture')} …`);
        await this.uploadOne(file);
        done++;
      }
    });
    this.progress.set(done ? `${counted(done, 'picture')} uploaded.` : '');
    input.value = '';
    // Also what did not arrive is a picture by now, which waits for its file.
    if (files.length) this.uploaded.emit();
  }

  private async uploadOne(file: File): Promise<void> {
    const { productId } = this.product();
    const body = { contentType: file.type, alt: '' } as NewImage;
    const ticket = await this.api.invoke(uploadImage, { productId, body });
    const form = new FormData();
    Object.entries(ticket.fields).forEach(([name, value]) => form.append(name, value));
    form.append('file', file);
    // Past HttpClient: the bucket gets no token of the shop's.
    const answer = await fetch(ticket.url, { method: 'POST', body: form }).catch(() => null);
    if (!answer?.ok) {
      const why = answer ? `It was refused (${answer.status}): is it larger than 5 MB?` : 'It did not arrive.';
      throw new ApiError(answer?.status ?? 0, 'not-uploaded', `${file.name}: ${why} Remove it below, and try again.`);
    }
  }

  private tellOvertaken(): void {
    const present = this.form.problem()?.extra['product'];
    if (present) this.overtaken.emit(present as StaffProduct);
  }
}
