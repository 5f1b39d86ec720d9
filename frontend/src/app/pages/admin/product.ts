import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { addProduct } from '../../api/fn/back-office/add-product';
import { getStaffProduct } from '../../api/fn/back-office/get-staff-product';
import { listProduct } from '../../api/fn/back-office/list-product';
import { listProductChanges } from '../../api/fn/back-office/list-product-changes';
import { replaceProduct } from '../../api/fn/back-office/replace-product';
import { unlistProduct } from '../../api/fn/back-office/unlist-product';
import { ProductChangeView, StaffProduct } from '../../api/models';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Session } from '../../core/session';
import { Form, Submission } from '../../core/submission';
import { Titles } from '../../core/titles';
import { Toasts } from '../../core/toasts';
import { USUAL_CURRENCY, parseAmount } from '../../core/amounts';
import { Ask } from '../../office/ask';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Field } from '../../ui/field';
import { FormMessage } from '../../ui/form-message';
import { Icon } from '../../ui/icon';
import { MoneyPipe } from '../../ui/money.pipe';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import NotFoundPage from '../not-found';
import { Pictures } from './pictures';
import { CHANGES, FIELDS, NEW_PRODUCT, ProductDraft, differences, draftOf, siblingOf, textOf } from './product-draft';
import { ProductGroup } from './product-group';
import { whoOf } from './words';

/** One product: what shoppers read and see of it, whether it is sold, and who changed what. */
@Component({
  selector: 'shop-staff-product',
  imports: [
    Ask,
    Field,
    Form,
    FormMessage,
    Heading,
    Icon,
    Live,
    MoneyPipe,
    More,
    NotFoundPage,
    Pictures,
    ProductGroup,
    RouterLink,
    Skeleton,
    WhenPipe,
  ],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    @if (poller.problem()?.status === 404) {
      <shop-not-found />
    } @else {
      <header class="order-head">
        <a class="back" routerLink="/admin/products"><shop-icon name="chevron" />Products</a>
        <h1 shopHeading>{{ title() }}</h1>
        @if (product(); as product) {
          <p class="order-facts">
            <span class="tag" [class.tag-good]="product.listed">{{ product.listed ? 'On sale' : 'Not on sale' }}</span>
            <a [routerLink]="['/admin/stock', product.productId]">{{ product.available }} available</a>
            @if (product.listed) {
              <a [routerLink]="['/products', product.productId]">See it in the shop</a>
            }
          </p>
        }
      </header>
      <shop-live [poller]="poller" />
      @if (isNew() || product()) {
        <div class="with-aside">
          <div class="stack">
            <form class="panel stack" [shopForm]="form" (send)="save()">
              <h2>What shoppers read</h2>
              @if (theirs(); as theirs) {
                <div class="notice notice-caution" role="alert" tabindex="-1">
                  <shop-icon name="alert" />
                  <p>Somebody has changed this product meanwhile. Compare, and decide; nothing is lost yet.</p>
                </div>
                <div class="data-frame" tabindex="0" role="region" aria-label="Both versions">
                  <table class="data">
                    <caption>
                      Both versions
                    </caption>
                    <thead>
                      <tr>
                        <th scope="col"><span class="visually-hidden">Field</span></th>
                        <th scope="col">Theirs</th>
                        <th scope="col">Yours</th>
                      </tr>
                    </thead>
                    <tbody>
                      @for (row of compared(theirs); track row[0]) {
                        <tr>
                          <th scope="row">{{ row[0] }}</th>
                          <td class="wide">{{ row[1] }}</td>
                          <td class="wide">{{ row[2] }}</td>
                        </tr>
                      }
                    </tbody>
                  </table>
                </div>
                <div class="actions">
                  <button type="button" class="button button-quiet" (click)="takeTheirs(theirs)">Take theirs</button>
                  <button type="button" class="button button-danger" (click)="saveOver(theirs)">
                    Save yours in place of theirs
                  </button>
                </div>
              } @else {
                <shop-form-message [message]="form.message" />
              }
              <shop-field
                label="Name"
                name="name"
                [maxlength]="120"
                [value]="draft().name"
                (valueChange)="write({ name: $event })"
                [error]="form.error('name')"
              />
              <shop-field
                label="Category"
                name="category"
                [maxlength]="120"
                [value]="draft().category"
                (valueChange)="write({ category: $event })"
                [error]="form.error('category')"
              />
              <shop-field
                [label]="'Price, in ' + currency()"
                name="price"
                inputmode="decimal"
                [maxlength]="16"
                [value]="draft().price"
                (valueChange)="write({ price: $event })"
                [error]="form.error('price.amount') ?? form.error('price')"
              />
              <div class="field">
                <label for="description">Description</label>
                <textarea
                  #text
                  id="description"
                  class="cell-input"
                  maxlength="4000"
                  [value]="draft().description"
                  [attr.aria-invalid]="form.error('description') !== null"
                  [attr.aria-describedby]="form.error('description') ? 'description-error' : null"
                  (input)="write({ description: text.value })"
                ></textarea>
                @if (form.error('description'); as error) {
                  <p class="field-error" id="description-error">{{ error }}</p>
                }
              </div>
              <fieldset class="stack group-fields">
                <legend>Sizes, colours and the like</legend>
                <p class="field-hint">
                  Products with the same “variant of” are one in lists, and each has its own price, pictures and stock.
                  Leave these empty for a product that is the only one of its kind.
                </p>
                <shop-field
                  label="Variant of"
                  name="group"
                  [maxlength]="120"
                  [value]="draft().group"
                  (valueChange)="write({ group: $event })"
                  [error]="form.error('variant.group')"
                />
                <shop-field
                  label="They differ in (size, colour)"
                  name="attribute"
                  [maxlength]="40"
                  [value]="draft().attribute"
                  (valueChange)="write({ attribute: $event })"
                  [error]="form.error('variant.attribute')"
                />
                <shop-field
                  label="This one (42, red)"
                  name="value"
                  [maxlength]="40"
                  [value]="draft().value"
                  (valueChange)="write({ value: $event })"
                  [error]="form.error('variant.value')"
                />
              </fieldset>
              <div class="actions">
                <button type="submit" class="button" [attr.aria-busy]="form.pending()">
                  {{ form.pending() ? 'Saving …' : isNew() ? 'Create, not yet on sale' : 'Save' }}
                </button>
              </div>
            </form>
            @if (product(); as product) {
              <section class="panel stack">
                <h2>Pictures</h2>
                <shop-pictures
                  [product]="product"
                  (changed)="took($event)"
                  (uploaded)="lookForPictures()"
                  (overtaken)="theirs.set($event)"
                />
              </section>
              <shop-product-group [product]="product" />
              <section class="panel stack">
                <h2>On sale</h2>
                @if (product.listed) {
                  <p>Taken off sale, it leaves lists, search and carts; orders that were placed keep it.</p>
                  <shop-ask
                    label="Take off sale"
                    question="Take this product off sale?"
                    verb="Take it off sale"
                    [danger]="true"
                    [submission]="listing"
                    [act]="unlist"
                  >
                    <p>Shoppers find it no longer. Nothing is deleted, and it can be put on sale again.</p>
                  </shop-ask>
                } @else {
                  <p>Nobody but staff sees it.</p>
                  <shop-ask
                    label="Put on sale"
                    question="Put this product on sale?"
                    verb="Put it on sale"
                    [primary]="true"
                    [submission]="listing"
                    [act]="putOnSale"
                  >
                    <p>Shoppers find it in lists and by the search from now on.</p>
                  </shop-ask>
                }
              </section>
            }
          </div>
          <aside class="aside panel stack" aria-labelledby="preview">
            <h2 id="preview">Preview</h2>
            <div class="preview-pictures">
              @for (picture of shown(); track picture.imageId) {
                <img
                  [src]="picture.sizes[0]?.url"
                  [attr.srcset]="srcset(picture)"
                  sizes="20rem"
                  [alt]="picture.alt"
                  width="320"
                  height="320"
                />
              }
            </div>
            <h3>{{ draft().name || 'A name' }}</h3>
            <p class="price">
              @if (price(); as price) {
                {{ price | money }}
              }
            </p>
            <p class="preview-text">{{ draft().description }}</p>
          </aside>
        </div>
        @if (!isNew() && list.items()?.length) {
          <section class="stack">
            <h2>Changes, the newest first</h2>
            <div class="data-frame" tabindex="0" role="region" aria-label="Changes">
              <table class="data">
                <caption>
                  Changes, the newest first
                </caption>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">What</th>
                    <th scope="col">Before and after</th>
                    <th scope="col">Who</th>
                  </tr>
                </thead>
                <tbody>
                  @for (change of list.items(); track change.version) {
                    <tr>
                      <td>
                        <time [attr.datetime]="change.at">{{ change.at | when: 'short' }}</time>
                      </td>
                      <th scope="row" class="whole">{{ kinds[change.kind] }}</th>
                      <td class="wide">
                        @for (row of differences(change.before, change.after); track row[0]) {
                          <p>{{ row[0] }}: {{ row[1] ? row[1] + ' → ' : '' }}{{ row[2] }}</p>
                        }
                      </td>
                      <td class="whole">{{ who(change.by) }}</td>
                    </tr>
                  }
                </tbody>
              </table>
            </div>
            <shop-more [of]="list" />
          </section>
        }
      } @else if (!poller.problem()) {
        <div aria-busy="true"><shop-skeleton height="24rem" /></div>
      }
    }
  `,
})
export default class ProductPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly toasts = inject(Toasts);
  protected readonly poller = inject(Poller);

  /** Missing for a new one. */
  readonly productId = input<string>();
  /** Of a new one: the product of whose group it will be, from the address. */
  readonly like = input<string>();

  protected readonly kinds = CHANGES;
  protected readonly differences = differences;

  /** As the shop has it, of which the draft was made, but for what has become of its pictures. */
  protected readonly product = signal<StaffProduct | null>(null);
  protected readonly draft = signal<ProductDraft>(NEW_PRODUCT);
  /** Where somebody else was faster: as it is now. */
  protected readonly theirs = signal<StaffProduct | null>(null);
  protected readonly form = new Submission([
    'name',
    'category',
    'price',
    'price.amount',
    'description',
    'variant.group',
    'variant.attribute',
    'variant.value',
  ]);
  protected readonly listing = new Submission();

  protected readonly isNew = computed(() => this.productId() === undefined);
  protected readonly title = computed(() => this.product()?.name ?? (this.isNew() ? 'New product' : 'Product'));
  protected readonly currency = computed(() => this.product()?.price.currency ?? USUAL_CURRENCY);
  protected readonly price = computed(() => {
    const amount = parseAmount(this.draft().price, this.currency());
    return amount === null ? null : { amount, currency: this.currency() };
  });
  protected readonly shown = computed(() => this.product()?.images.filter(({ sizes }) => sizes.length) ?? []);

  protected readonly list = new Paged<ProductChangeView>(
    (cursor) =>
      this.api.invoke(listProductChanges, {
        productId: this.productId() ?? '',
        limit: 20,
        ...(cursor && { cursor }),
      }),
    ({ version }) => String(version),
  );

  protected readonly unlist = async (): Promise<void> => this.toggle(unlistProduct);
  protected readonly putOnSale = async (): Promise<void> => this.toggle(listProduct);

  constructor() {
    const titles = inject(Titles);
    effect(() => titles.set(this.title()));
    effect(() => {
      const productId = this.productId();
      untracked(() => {
        this.product.set(null);
        this.draft.set(NEW_PRODUCT);
        this.theirs.set(null);
        this.list.clear();
        if (productId === undefined) {
          this.poller.stop();
          const like = this.like();
          if (like) void this.beginLike(like);
        } else this.poller.start(() => this.look(productId));
      });
    });
  }

  protected write(change: Partial<ProductDraft>): void {
    this.draft.update((draft) => ({ ...draft, ...change }));
  }

  protected srcset({ sizes }: StaffProduct['images'][number]): string {
    return sizes.map(({ url, width }) => `${url} ${width}w`).join(', ');
  }

  protected who(userId: string): string {
    return whoOf(userId, this.session.userId());
  }

  /** What both versions have different, theirs before yours. */
  protected compared(theirs: StaffProduct): readonly (readonly [string, string, string])[] {
    const [them, us] = [draftOf(theirs), this.draft()];
    return FIELDS.map(([field, name]) => [name, them[field], us[field]] as const).filter(([, a, b]) => a !== b);
  }

  protected save(): Promise<void> {
    return this.put(this.product()?.version ?? 0);
  }

  protected takeTheirs(theirs: StaffProduct): void {
    this.took(theirs);
    this.draft.set(draftOf(theirs));
  }

  protected saveOver({ version }: StaffProduct): Promise<void> {
    return this.put(version);
  }

  /** The product after something was done here; what is typed stays. */
  protected took(product: StaffProduct): void {
    this.theirs.set(null);
    this.form.problem.set(null);
    this.product.set(product);
    this.list.clear();
    this.poller.hurry();
  }

  /** A ticket for a picture is a change of the product, too. */
  protected async lookForPictures(): Promise<void> {
    const productId = this.productId();
    if (productId === undefined) return;
    const [before, now] = [this.product(), await this.api.invoke(getStaffProduct, { productId })];
    this.took(now);
    // The version is the newest by now, and the draft may not be made of it.
    if (before && JSON.stringify(draftOf(before)) !== JSON.stringify(draftOf(now))) this.theirs.set(now);
  }

  private async beginLike(productId: string): Promise<void> {
    const product = await this.api.invoke(getStaffProduct, { productId });
    this.draft.set(siblingOf(product));
  }

  private async toggle(route: typeof listProduct): Promise<void> {
    const product = this.product();
    if (!product) return;
    const { productId, version } = product;
    this.took(await this.api.invoke(route, { productId, body: { version } }));
  }

  private async put(version: number): Promise<void> {
    const productId = this.productId();
    const text = textOf(this.draft(), this.currency());
    await this.form.run(async () => {
      if (productId === undefined) {
        const created = await this.api.invoke(addProduct, { body: { ...text, listed: false } });
        await this.router.navigate(['/admin/products', created.productId]);
      } else {
        const saved = await this.api.invoke(replaceProduct, { productId, body: { ...text, version } });
        this.took(saved);
        this.draft.set(draftOf(saved));
      }
      this.toasts.done(productId === undefined ? 'The product is created.' : 'The product is saved.');
    });
    const present = this.form.problem()?.extra['product'];
    if (present) this.theirs.set(present as StaffProduct);
  }

  private async look(productId: string): Promise<Seen> {
    const [now, seen] = await Promise.all([this.api.invoke(getStaffProduct, { productId }), this.list.look()]);
    if (productId !== this.productId()) return 'nothing';
    const known = this.product();
    if (known === null) {
      this.product.set(now);
      this.draft.set(draftOf(now));
      return 'news';
    }
    // Of what somebody else changes, one is told when one saves: the version stays that of the draft.
    if (now.version === known.version) this.product.set(now);
    return now.images.some(({ state }) => state === 'WAITING') ? 'nothing' : seen;
  }
}
