import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import { Recovery, resource } from './recovery';

@Component({ template: '' })
class Page {}

describe('what has failed', () => {
  let loads: (() => Promise<string>)[];

  function open() {
    TestBed.configureTestingModule({ providers: [provideRouter([{ path: '**', component: Page }])] });
    return TestBed.runInInjectionContext(() =>
      resource({ loader: () => (loads.length > 1 ? loads.shift()! : loads[0]!)() }),
    );
  }

  const settled = async () => {
    TestBed.tick();
    await new Promise((resolve) => setTimeout(resolve));
    TestBed.tick();
  };

  it.each<[string, () => unknown]>([
    ['the device is online again', () => dispatchEvent(new Event('online'))],
    ['another page is opened', () => TestBed.inject(Router).navigateByUrl('/other')],
    ['somebody asks for it', () => TestBed.inject(Recovery).again()],
  ])('is loaded again when %s', async (_, happens) => {
    loads = [() => Promise.reject(new Error('no')), () => Promise.resolve('there')];
    const loaded = open();
    await settled();
    expect(loaded.status()).toBe('error');
    await happens();
    await settled();
    await settled();
    expect([loaded.status(), loaded.hasValue() && loaded.value()]).toEqual(['resolved', 'there']);
  });

  it('and only that: what is there is not asked for again', async () => {
    let asked = 0;
    loads = [() => Promise.resolve(`${++asked}`)];
    const loaded = open();
    await settled();
    dispatchEvent(new Event('online'));
    await settled();
    expect([loaded.status(), asked]).toEqual(['resolved', 1]);
  });
});
