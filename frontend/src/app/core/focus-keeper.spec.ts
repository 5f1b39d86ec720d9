import { TestBed } from '@angular/core/testing';
import { FocusKeeper } from './focus-keeper';

describe('The focus', () => {
  const noticed = () => new Promise((resolve) => setTimeout(resolve));
  const has = () => document.activeElement?.id ?? '';

  function show(html: string): void {
    document.body.innerHTML = `<main><section><h1 id="heading">Cart</h1>${html}</section></main>`;
  }

  function press(id: string): HTMLElement {
    const element = document.getElementById(id)!;
    element.focus();
    return element;
  }

  beforeEach(() => TestBed.inject(FocusKeeper));
  afterEach(() => (document.body.innerHTML = ''));

  it('goes to what is left of its place when the line that had it is gone', async () => {
    show('<ul id="lines" tabindex="-1"><li id="one"><button id="remove">Remove</button></li><li>Two</li></ul>');
    press('remove').closest('li')!.remove();
    await noticed();
    expect(has()).toBe('lines');
  });

  it('goes to the heading when all the lines are gone', async () => {
    show('<div><ul tabindex="-1"><li><button id="remove">Remove</button></li></ul></div>');
    press('remove').closest('ul')!.remove();
    await noticed();
    expect(has()).toBe('heading');
  });

  it('goes to the answer that waits for it before any heading', async () => {
    show('<div><form id="form"><button id="pay">Pay</button></form></div>');
    const form = press('pay').closest('form')!;
    form.insertAdjacentHTML('beforebegin', '<p id="over" tabindex="-1">Time is up</p>');
    form.remove();
    await noticed();
    expect(has()).toBe('over');
  });

  it('stays where somebody has put it meanwhile', async () => {
    show('<button id="gone">Gone</button><button id="other">Other</button>');
    press('gone').remove();
    press('other');
    await noticed();
    expect(has()).toBe('other');
  });

  it("is left to the next page's heading when a whole page goes", async () => {
    show('<button id="link">Link</button>');
    press('link');
    document.querySelector('section')!.remove();
    document.querySelector('main')!.innerHTML = '<h1 id="next">Next</h1>';
    await noticed();
    expect(has()).toBe('');
  });
});
