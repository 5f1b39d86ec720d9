import { Component, input } from '@angular/core';
import { Step } from '../core/order-story';
import { Icon, IconName } from './icon';
import { WhenPipe } from './when.pipe';

const ICONS: Readonly<Record<Step['mood'], IconName>> = { good: 'check', bad: 'alert', now: 'clock', plain: 'check' };

/** An order's story, step by step. */
@Component({
  selector: 'shop-story',
  imports: [Icon, WhenPipe],
  template: `
    <ol class="story">
      @for (step of steps(); track $index) {
        <li [class]="'step step-' + step.mood" [attr.aria-current]="step.mood === 'now' ? 'step' : null">
          <span class="step-mark"><shop-icon [name]="icon(step)" /></span>
          <div>
            <h3>{{ step.title }}</h3>
            <p>{{ step.text }}</p>
            @if (step.at; as at) {
              <time class="hint" [attr.datetime]="at">{{ at | when: 'moment' }}</time>
            }
          </div>
        </li>
      }
    </ol>
  `,
})
export class Story {
  readonly steps = input.required<readonly Step[]>();

  protected icon(step: Step): IconName {
    return ICONS[step.mood];
  }
}
