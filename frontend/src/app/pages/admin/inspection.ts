import { Component, input, linkedSignal } from '@angular/core';
import { Inspection } from '../../api/models';

/** Some pieces of a product that are looked at. */
export interface Pieces {
  readonly productId: string;
  readonly name: string;
  readonly quantity: number;
}

/** What was found of each product: to be sold again, or not. To begin with, all is well. */
@Component({
  selector: 'shop-inspection',
  template: `
    <div class="data-frame">
      <table class="data">
        <caption>
          What was found
        </caption>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col" class="number">Pieces</th>
            <th scope="col">Back on the shelf</th>
            <th scope="col">Written off</th>
          </tr>
        </thead>
        <tbody>
          @for (each of pieces(); track each.productId; let index = $index) {
            <tr>
              <th scope="row">{{ each.name }}</th>
              <td class="number">{{ each.quantity }}</td>
              <td>
                <input
                  #restock
                  class="cell-input cell-short"
                  type="number"
                  min="0"
                  [max]="each.quantity"
                  [attr.aria-label]="'Back on the shelf, of ' + each.name"
                  [value]="found()[index]!.restock"
                  (input)="set(index, { restock: +restock.value })"
                />
              </td>
              <td>
                <input
                  #writeOff
                  class="cell-input cell-short"
                  type="number"
                  min="0"
                  [max]="each.quantity"
                  [attr.aria-label]="'Written off, of ' + each.name"
                  [value]="found()[index]!.writeOff"
                  (input)="set(index, { writeOff: +writeOff.value })"
                />
              </td>
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
})
export class InspectionTable {
  readonly pieces = input.required<readonly Pieces[]>();

  readonly found = linkedSignal<readonly Required<Inspection>[]>(() =>
    this.pieces().map(({ productId, quantity }) => ({ productId, restock: quantity, writeOff: 0 })),
  );

  protected set(index: number, change: Partial<Inspection>): void {
    this.found.update((found) => found.map((each, at) => (at === index ? { ...each, ...change } : each)));
  }
}
