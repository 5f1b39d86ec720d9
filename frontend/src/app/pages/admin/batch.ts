import { Component, ElementRef, computed, inject, input, signal, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { getShipment } from '../../api/fn/back-office/get-shipment';
import { ship } from '../../api/fn/back-office/ship';
import { ShipmentView } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { ApiError } from '../../core/problem';
import { resource } from '../../core/recovery';
import { Form, Submission } from '../../core/submission';
import { Toasts } from '../../core/toasts';
import { Work } from '../../office/work';
import { Field } from '../../ui/field';
import { FormMessage } from '../../ui/form-message';
import { Icon } from '../../ui/icon';
import { OrderNumberPipe } from '../../ui/order-number.pipe';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { carrier } from './carrier';
import { PickList } from './pick-list';
import { Slip } from './slip';
import { SHIPMENT, contentsOf, destinationOf } from './words';

const VIEWS = { pick: 'Pick list', slips: 'Packing slips', ship: 'Hand over' } as const;
type View = keyof typeof VIEWS;

/** Some parcels at once: they are picked, packed with a slip in each, and handed to the carrier. */
@Component({
  selector: 'shop-batch',
  imports: [Field, Form, FormMessage, Heading, Icon, OrderNumberPipe, PickList, Problem, RouterLink, Skeleton, Slip],
  host: { class: 'stack' },
  template: `
    <header class="order-head">
      <a class="back" routerLink="/admin/to-ship"><shop-icon name="chevron" />To ship</a>
      <h1 shopHeading>Pick and pack</h1>
    </header>
    <nav class="tabs" aria-label="Steps">
      @for (each of views; track each[0]) {
        <a
          [routerLink]="[]"
          [queryParams]="{ view: each[0] }"
          queryParamsHandling="merge"
          [attr.aria-current]="each[0] === shown() ? 'page' : null"
          >{{ each[1] }}</a
        >
      }
    </nav>
    @if (loaded.error()) {
      <shop-problem [error]="loaded.error()" (retry)="loaded.reload()" />
    } @else if (loaded.hasValue()) {
      @if (!parcels().length) {
        <div class="blank">
          <p>No orders were chosen.</p>
          <div class="actions"><a class="button" routerLink="/admin/to-ship">Choose orders to ship</a></div>
        </div>
      }
      @if (gone().length) {
        <div class="notice notice-caution print-not">
          <shop-icon name="alert" />
          <p>Not to be shipped any longer, and left out of the lists: {{ gone() }}</p>
        </div>
      }
      @switch (shown()) {
        @case ('pick') {
          <div class="actions print-not">
            <button type="button" class="button" (click)="print()">Print the pick list</button>
          </div>
          <shop-pick-list [shipments]="waiting()" />
        }
        @case ('slips') {
          <div class="toolbar print-not">
            <label class="filter"
              >Paper
              <select #size class="select" (change)="choosePaper(size.value)">
                @for (each of papers; track each) {
                  <option [value]="each" [selected]="each === paper()">{{ each }}</option>
                }
              </select>
            </label>
            <button type="button" class="button" (click)="print()">Print {{ slips(waiting().length) }}</button>
          </div>
          <div class="slips">
            @for (each of waiting(); track each.orderId) {
              <shop-slip [shipment]="each" [paper]="paper()" />
            }
          </div>
        }
        @case ('ship') {
          <form class="stack" [shopForm]="form" (send)="shipAll()">
            <shop-form-message [message]="form.message" />
            <shop-field
              class="office-narrow"
              label="Carrier"
              name="carrier"
              [maxlength]="60"
              [(value)]="carrier"
              [error]="form.error('carrier')"
            />
            <div class="data-frame" tabindex="0" role="region" aria-label="Parcels">
              <table class="data" #table>
                <caption>
                  Parcels, with their tracking numbers
                </caption>
                <thead>
                  <tr>
                    <th scope="col">Order</th>
                    <th scope="col">To</th>
                    <th scope="col">Contents</th>
                    <th scope="col">Tracking number</th>
                  </tr>
                </thead>
                <tbody>
                  @for (each of parcels(); track each.orderId) {
                    <tr>
                      <th scope="row">
                        <a class="order-number" [routerLink]="['/admin/orders', each.orderId]">{{
                          each.orderId | orderNumber
                        }}</a>
                      </th>
                      <td>{{ destination(each) }}</td>
                      <td class="wide">{{ contents(each.items) }}</td>
                      <td class="wide">
                        @if (each.status === 'TO_SHIP') {
                          <input
                            #code
                            class="cell-input"
                            maxlength="60"
                            autocomplete="off"
                            [attr.aria-label]="'Tracking number of ' + (each.orderId | orderNumber)"
                            [attr.aria-invalid]="refused().has(each.orderId)"
                            [attr.aria-describedby]="refused().has(each.orderId) ? 'refused-' + each.orderId : null"
                            [value]="codes().get(each.orderId) ?? ''"
                            (input)="enter(each.orderId, code.value)"
                            (keydown.enter)="next($event, code, table)"
                          />
                          @if (refused().get(each.orderId); as why) {
                            <p class="field-error" [id]="'refused-' + each.orderId">{{ why }}</p>
                          }
                        } @else {
                          <span [class]="'tag ' + states[each.status].tag">{{ states[each.status].label }}</span>
                          {{ each.parcel?.carrier }} {{ each.parcel?.trackingNumber }}
                        }
                      </td>
                    </tr>
                  }
                </tbody>
              </table>
            </div>
            @if (waiting().length) {
              <div class="actions">
                <button type="submit" class="button" [attr.aria-busy]="form.pending()">
                  {{ form.pending() ? 'Shipping …' : 'Ship ' + ready() + ' of ' + words(waiting().length) }}
                </button>
              </div>
              <p class="hint">A scanner that ends with Enter goes on to the next parcel.</p>
            } @else if (parcels().length) {
              <div class="notice">
                <shop-icon name="check" />
                <p>All of these have left.</p>
                <a class="button button-quiet" routerLink="/admin/to-ship">What else is to be shipped</a>
              </div>
            }
          </form>
        }
      }
    } @else {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class BatchPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);
  private readonly work = inject(Work);
  private readonly table = viewChild<ElementRef<HTMLTableElement>>('table');

  // From the address.
  readonly orders = input<string>();
  readonly view = input<string>();
  readonly size = input<string>();

  protected readonly views = Object.entries(VIEWS) as [View, string][];
  protected readonly papers = ['A6', 'A4'];
  protected readonly states = SHIPMENT;
  protected readonly contents = contentsOf;
  protected readonly destination = destinationOf;
  protected readonly words = (count: number) => counted(count, 'parcel');
  protected readonly slips = (count: number) => counted(count, 'slip');

  protected readonly shown = computed<View>(() => {
    const view = this.view();
    return view && view in VIEWS ? (view as View) : 'pick';
  });
  protected readonly paper = computed(() => (this.size() === 'A4' ? 'A4' : 'A6'));

  protected readonly loaded = resource({
    params: () => [...new Set((this.orders() ?? '').split(',').filter(Boolean))],
    loader: ({ params }) => this.all(params),
  });
  protected readonly parcels = computed<readonly ShipmentView[]>(() =>
    this.loaded.hasValue() ? this.loaded.value() : [],
  );
  protected readonly waiting = computed(() => this.parcels().filter(({ status }) => status === 'TO_SHIP'));
  /** By their numbers, those that were shipped or cancelled meanwhile. */
  protected readonly gone = computed(() =>
    this.shown() === 'ship'
      ? ''
      : this.parcels()
          .filter(({ status }) => status !== 'TO_SHIP')
          .map(({ orderId }) => new OrderNumberPipe().transform(orderId))
          .join(', '),
  );

  protected readonly form = new Submission(['carrier']);
  protected readonly carrier = signal(carrier.last);
  /** Tracking numbers by order. */
  protected readonly codes = signal<ReadonlyMap<string, string>>(new Map());
  /** Why an order was not shipped. */
  protected readonly refused = signal<ReadonlyMap<string, string>>(new Map());
  protected readonly ready = computed(() => this.waiting().filter(({ orderId }) => this.codeOf(orderId)).length);

  protected print(): void {
    print();
  }

  protected choosePaper(size: string): void {
    void this.router.navigate([], { queryParams: { size }, queryParamsHandling: 'merge' });
  }

  protected enter(orderId: string, code: string): void {
    this.codes.update((codes) => new Map(codes).set(orderId, code));
  }

  /** A scanner sends Enter behind each code: on to the next parcel, and not away with the form before the last one. */
  protected next(event: Event, code: HTMLInputElement, table: HTMLTableElement): void {
    const inputs = [...table.querySelectorAll('input')];
    const next = inputs[inputs.indexOf(code) + 1];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  /** One after the other: what is refused stays with the reason, and the others go on. */
  protected async shipAll(): Promise<void> {
    const name = this.carrier();
    const before = this.waiting();
    this.refused.set(new Map());
    await this.form.run(async () => {
      const ready = before.filter(({ orderId }) => this.codeOf(orderId));
      if (!ready.length) throw new ApiError(400, 'nothing-ready', 'Enter the tracking number of a parcel.');
      for (const { orderId } of ready) await this.shipOne(orderId, name);
    });
    const left = this.waiting().length;
    const done = before.length - left;
    if (done) {
      carrier.remember(name);
      this.work.changed();
      this.toasts.done(`${counted(done, 'parcel')} shipped.`);
    }
    if (this.refused().size) {
      setTimeout(() => this.table()?.nativeElement.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
    }
  }

  private async shipOne(orderId: string, name: string): Promise<void> {
    const body = { carrier: name, trackingNumber: this.codeOf(orderId) };
    try {
      const shipped = await this.api.invoke(ship, { orderId, body });
      this.loaded.update((all) => all?.map((each) => (each.orderId === orderId ? shipped : each)));
    } catch (error) {
      // What is wrong with the carrier is wrong with all of them, and where nobody answers, nobody will.
      if (!(error instanceof ApiError) || error.mayPass || error.fields.has('carrier')) throw error;
      const why = [...error.fields.values()].join(' ') || error.message;
      this.refused.update((refused) => new Map(refused).set(orderId, why));
    }
  }

  private codeOf(orderId: string): string {
    return this.codes().get(orderId)?.trim() ?? '';
  }

  private all(orderIds: readonly string[]): Promise<readonly ShipmentView[]> {
    return Promise.all(orderIds.map((orderId) => this.api.invoke(getShipment, { orderId })));
  }
}
