import { storage } from '../../core/storage';

const CARRIER = 'cloudretail.carrier';

/** The carrier that parcels were last given to at this desk: most parcels of a day go with one. */
export const carrier = {
  get last(): string {
    return storage.get(CARRIER) ?? '';
  },
  remember(name: string): void {
    storage.set(CARRIER, name);
  },
};
