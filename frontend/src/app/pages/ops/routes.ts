import { Routes } from '@angular/router';
import '../../office/style';

/** The operators' console, below /ops; whoever comes here has passed the guard. */
const routes: Routes = [
  { path: '', pathMatch: 'full', title: 'Queues', loadComponent: () => import('./queues') },
  { path: 'queues/:queue', title: 'Dead letters', loadComponent: () => import('./queue') },
  { path: 'queues/:queue/:messageId', title: 'Dead letter', loadComponent: () => import('./message') },
  { path: 'replays', title: 'Record', loadComponent: () => import('./replays') },
  { path: 'replays/:replayId', title: 'Replay', loadComponent: () => import('./replay') },
  { path: 'orders', title: 'Time-line of an order', loadComponent: () => import('./trace') },
  { path: 'orders/:orderId', title: 'Time-line of an order', loadComponent: () => import('./trace') },
  { path: 'stuck', title: 'Stuck orders', loadComponent: () => import('./stuck') },
  { path: 'reconciliation', title: 'Reconciliation', loadComponent: () => import('./reconciliation') },
];

export default routes;
