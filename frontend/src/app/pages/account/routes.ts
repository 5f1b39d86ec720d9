import { Routes } from '@angular/router';
import { AccountFrame } from './frame';
import './style';

/** Everything about one's own account, below /account; whoever comes here has passed the guard. */
const routes: Routes = [
  {
    path: '',
    component: AccountFrame,
    children: [
      { path: '', pathMatch: 'full', title: 'Your account', loadComponent: () => import('./profile') },
      { path: 'addresses', title: 'Your addresses', loadComponent: () => import('./addresses') },
      { path: 'data', title: 'Your data', loadComponent: () => import('./data') },
      { path: 'security', title: 'Security', loadComponent: () => import('./security') },
    ],
  },
];

export default routes;
