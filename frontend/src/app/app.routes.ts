import { Routes } from '@angular/router';
import { guest, operator, signedIn, staff } from './core/guards';
import ErrorPage from './pages/error';

/** What the shop has to say of itself: frontend/texts/. */
const TEXTS = {
  contact: 'Contact',
  imprint: 'Imprint',
  privacy: 'Privacy',
  shipping: 'Shipping and returns',
  terms: 'Terms of sale',
};

export const routes: Routes = [
  { path: '', pathMatch: 'full', loadComponent: () => import('./pages/home') },
  { path: 'products', title: 'Products', loadComponent: () => import('./pages/products') },
  { path: 'products/:productId', title: 'Product', loadComponent: () => import('./pages/product') },

  { path: 'login', title: 'Log in', canActivate: [guest], loadComponent: () => import('./pages/login') },
  {
    path: 'register',
    title: 'Create an account',
    canActivate: [guest],
    loadComponent: () => import('./pages/register'),
  },
  {
    path: 'confirm-email',
    title: 'Confirm your e-mail address',
    canActivate: [guest],
    data: { purpose: 'confirm' },
    loadComponent: () => import('./pages/enter-code'),
  },
  { path: 'forgot-password', title: 'Forgot password', loadComponent: () => import('./pages/forgot-password') },
  {
    path: 'reset-password',
    title: 'New password',
    data: { purpose: 'reset' },
    loadComponent: () => import('./pages/enter-code'),
  },
  {
    path: 'second-factor',
    title: 'Protect your account',
    canActivate: [signedIn],
    loadComponent: () => import('./pages/second-factor'),
  },

  { path: 'cart', title: 'Cart', loadComponent: () => import('./pages/cart') },
  { path: 'checkout', title: 'Checkout', canActivate: [signedIn], loadComponent: () => import('./pages/checkout') },
  {
    path: 'orders',
    canActivate: [signedIn],
    children: [
      { path: '', title: 'Your orders', loadComponent: () => import('./pages/orders') },
      { path: ':orderId', title: 'Order', loadComponent: () => import('./pages/order') },
      { path: ':orderId/pay', title: 'Payment', loadComponent: () => import('./pages/payment') },
      { path: ':orderId/receipt', title: 'Receipt', loadComponent: () => import('./pages/receipt') },
      { path: ':orderId/confirmation', title: 'Order confirmed', loadComponent: () => import('./pages/confirmation') },
    ],
  },
  { path: 'account', canActivate: [signedIn], loadChildren: () => import('./pages/account/routes') },
  { path: 'admin', canActivate: [staff], loadChildren: () => import('./pages/admin/routes') },
  { path: 'ops', canActivate: [operator], loadChildren: () => import('./pages/ops/routes') },

  ...Object.entries(TEXTS).map(([path, title]) => ({
    path,
    title,
    data: { name: path, title },
    loadComponent: () => import('./pages/text'),
  })),

  // Not lazy: it has to show when nothing can be loaded.
  { path: 'error', title: 'Something went wrong', component: ErrorPage },
  { path: '**', title: 'Page not found', loadComponent: () => import('./pages/not-found') },
];
