import { TestBed } from '@angular/core/testing';
import { PictureView } from '../api/models';
import { Gallery } from './gallery';

const sizes = (name: string) => [320, 640].map((width) => ({ width, url: `/pictures/${name}-${width}.webp` }));
const SIDE: PictureView = { alt: 'From the side', sizes: sizes('side') };
const BACK: PictureView = { alt: '', sizes: sizes('back') };

describe('the gallery', () => {
  async function show(pictures: readonly PictureView[]) {
    const fixture = TestBed.createComponent(Gallery);
    fixture.componentRef.setInput('pictures', pictures);
    fixture.componentRef.setInput('name', 'Bag');
    await fixture.whenStable();
    const element = fixture.nativeElement as HTMLElement;
    return {
      large: () => element.querySelector<HTMLImageElement>('.gallery-large img'),
      buttons: () => [...element.querySelectorAll<HTMLButtonElement>('.gallery-choice button')],
      setPictures: (others: readonly PictureView[]) => {
        fixture.componentRef.setInput('pictures', others);
        return fixture.whenStable();
      },
      stable: () => fixture.whenStable(),
    };
  }

  it('offers each size of a picture, and says what is to be seen', async () => {
    const { large, buttons } = await show([SIDE]);

    expect(large()?.srcset).toBe('/pictures/side-320.webp 320w, /pictures/side-640.webp 640w');
    expect(large()?.getAttribute('src')).toBe('/pictures/side-640.webp');
    expect(large()?.alt).toBe('From the side');
    expect(buttons()).toEqual([]);
  });

  it('calls a picture of which nobody has said anything by the name of the product', async () => {
    expect((await show([BACK])).large()?.alt).toBe('Bag');
  });

  it('shows the picture that is chosen, and the first one again of another product', async () => {
    const { large, buttons, setPictures, stable } = await show([SIDE, BACK]);

    buttons()[1]!.click();
    await stable();

    expect(large()?.getAttribute('src')).toBe('/pictures/back-640.webp');
    expect(buttons().map((button) => button.getAttribute('aria-pressed'))).toEqual(['false', 'true']);

    await setPictures([BACK, SIDE]);

    expect(buttons().map((button) => button.getAttribute('aria-pressed'))).toEqual(['true', 'false']);
  });

  it('shows the colour of the category where there is no picture', async () => {
    expect((await show([])).large()).toBeNull();
  });
});
