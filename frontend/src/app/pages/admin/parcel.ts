import { Component, computed, inject, input, output, signal, viewChild } from '@angular/core';
import { Api } from '../../api/api';
import { cameBack } from '../../api/fn/back-office/came-back';
import { deliver } from '../../api/fn/back-office/deliver';
import { lose } from '../../api/fn/back-office/lose';
import { ship } from '../../api/fn/back-office/ship';
import { ComebackReason, Delivery, ShipmentView } from '../../api/models';
import { Submission } from '../../core/submission';
import { Field } from '../../ui/field';
import { MoneyPipe } from '../../ui/money.pipe';
import { WhenPipe } from '../../ui/when.pipe';
import { amountText, parseAmount } from '../../core/amounts';
import { Ask } from '../../office/ask';
import { carrier } from './carrier';
import { Choice } from './choice';
import { InspectionTable } from './inspection';
import { COMEBACKS, SHIPMENT, comebackOf, named } from './words';

/** An order's parcel: where it is, and what can be done with it. */
@Component({
  selector: 'shop-parcel',
  imports: [Ask, Choice, Field, InspectionTable, MoneyPipe, WhenPipe],
  host: { class: 'stack' },
  template: `
    <p>
      <span [class]="'tag ' + state().tag">{{ state().label }}</span>
    </p>
    <dl class="facts">
      @if (shipment().parcel; as parcel) {
        <div>
          <dt>Carrier</dt>
          <dd>{{ parcel.carrier }}</dd>
        </div>
        <div>
          <dt>Tracking number</dt>
          <dd class="order-number">
            @if (parcel.trackingUrl; as url) {
              <a [href]="url" target="_blank" rel="noopener noreferrer"
                >{{ parcel.trackingNumber }}<span class="visually-hidden"> (opens in a new tab)</span></a
              >
            } @else {
              {{ parcel.trackingNumber }}
            }
          </dd>
        </div>
      }
      @if (shipment().deliveredAt; as at) {
        <div>
          <dt>Delivered</dt>
          <dd>
            <time [attr.datetime]="at">{{ at | when }}</time>
          </dd>
        </div>
      }
      @if (shipment().cash; as cash) {
        <div>
          <dt>Cash collected</dt>
          <dd>{{ cash | money }}</dd>
        </div>
      } @else if (shipment().cashDue; as due) {
        <div>
          <dt>Cash to collect</dt>
          <dd>{{ due | money }}</dd>
        </div>
      }
      @if (comeback(); as why) {
        <div>
          <dt>Came back</dt>
          <dd>{{ why }}</dd>
        </div>
      }
      @for (each of inspected(); track each.productId) {
        <div>
          <dt>{{ each.name }}</dt>
          <dd>{{ each.restock }} back on the shelf, {{ each.writeOff }} written off</dd>
        </div>
      }
    </dl>
    <div class="actions">
      @if (actions().includes('ship')) {
        <shop-ask
          label="Ship"
          question="Ship this order"
          verb="Ship"
          [primary]="true"
          [submission]="shipping"
          [act]="ship"
        >
          <shop-field
            label="Carrier"
            name="carrier"
            [maxlength]="60"
            [(value)]="carrier"
            [error]="shipping.error('carrier')"
          />
          <shop-field
            label="Tracking number"
            name="trackingNumber"
            [maxlength]="60"
            [(value)]="trackingNumber"
            [error]="shipping.error('trackingNumber')"
          />
          <shop-field
            label="Tracking page"
            name="trackingUrl"
            hint="Only for a carrier that the shop does not know."
            inputmode="url"
            [optional]="true"
            [(value)]="trackingUrl"
            [error]="shipping.error('trackingUrl')"
          />
        </shop-ask>
      }
      @if (actions().includes('deliver')) {
        <shop-ask
          label="Delivered"
          question="The parcel was handed over"
          verb="It was delivered"
          [primary]="true"
          [submission]="delivering"
          [act]="deliver"
          (opened)="cash.set(due())"
        >
          @if (shipment().cashDue; as money) {
            <shop-field
              [label]="'Cash that was collected, in ' + money.currency"
              name="cash"
              inputmode="decimal"
              [hint]="due() + ' was due. Enter 0 where nothing was collected.'"
              [(value)]="cash"
              [error]="delivering.error('cash') ?? delivering.error('cash.amount')"
            />
          } @else {
            <p>The order was paid before, so there is no cash to collect.</p>
          }
        </shop-ask>
      }
      @if (actions().includes('came-back')) {
        <shop-ask
          label="Came back"
          question="The parcel came back"
          verb="It came back"
          [submission]="returning"
          [act]="comeBack"
        >
          <p>The order is cancelled, and what was paid is given back.</p>
          <shop-choice
            label="Why"
            name="reason"
            [of]="comebacks"
            [(value)]="reason"
            [error]="returning.error('reason')"
          />
          <shop-inspection [pieces]="shipment().items" />
          @if (returning.error('lines'); as error) {
            <p class="field-error">{{ error }}</p>
          }
        </shop-ask>
      }
      @if (actions().includes('lost')) {
        <shop-ask
          label="Lost"
          question="The parcel is lost"
          verb="It is lost"
          [danger]="true"
          [submission]="losing"
          [act]="lose"
        >
          <p>The order is cancelled, what was paid is given back, and everything in the parcel is written off.</p>
        </shop-ask>
      }
    </div>
  `,
})
export class ParcelActions {
  private readonly api = inject(Api);
  private readonly inspection = viewChild(InspectionTable);

  readonly shipment = input.required<ShipmentView>();
  /** The parcel after what was done. */
  readonly changed = output<ShipmentView>();

  protected readonly comebacks = COMEBACKS;
  protected readonly state = computed(() => SHIPMENT[this.shipment().status]);
  protected readonly actions = computed(() => this.shipment().actions);
  protected readonly comeback = computed(() => comebackOf(this.shipment()));
  protected readonly inspected = computed(() => named(this.shipment().inspected, this.shipment().items));
  protected readonly due = computed(() => {
    const due = this.shipment().cashDue;
    return due ? amountText(due) : '';
  });

  protected readonly shipping = new Submission(['carrier', 'trackingNumber', 'trackingUrl']);
  protected readonly delivering = new Submission(['cash', 'cash.amount']);
  protected readonly returning = new Submission(['reason', 'lines']);
  protected readonly losing = new Submission();

  protected readonly carrier = signal(carrier.last);
  protected readonly trackingNumber = signal('');
  protected readonly trackingUrl = signal('');
  protected readonly cash = signal('');
  protected readonly reason = signal('REFUSED');

  protected readonly ship = async (): Promise<void> => {
    const body = {
      carrier: this.carrier(),
      trackingNumber: this.trackingNumber(),
      trackingUrl: this.trackingUrl() || null,
    };
    this.took(await this.api.invoke(ship, { ...this.order(), body }));
    carrier.remember(body.carrier);
  };

  protected readonly deliver = async (): Promise<void> => {
    const due = this.shipment().cashDue;
    // What is no amount goes to the API as it is, which says so.
    const amount = due && (parseAmount(this.cash(), due.currency) ?? this.cash());
    const cash = due && { amount, currency: due.currency };
    this.took(await this.api.invoke(deliver, { ...this.order(), body: { cash } as Delivery }));
  };

  protected readonly comeBack = async (): Promise<void> => {
    const body = { reason: this.reason() as ComebackReason, lines: [...this.inspection()!.found()] };
    this.took(await this.api.invoke(cameBack, { ...this.order(), body }));
  };

  protected readonly lose = async (): Promise<void> => {
    this.took(await this.api.invoke(lose, this.order()));
  };

  private order(): { orderId: string } {
    return { orderId: this.shipment().orderId };
  }

  private took(shipment: ShipmentView): void {
    this.changed.emit(shipment);
  }
}
