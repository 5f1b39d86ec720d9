import { Routes } from '@angular/router';
import '../../office/style';

/** The back office, below /admin; whoever comes here has passed the guard. */
const routes: Routes = [
  { path: '', pathMatch: 'full', redirectTo: 'orders' },
  { path: 'orders', title: 'Orders', loadComponent: () => import('./orders') },
  { path: 'customers', title: 'Customers', loadComponent: () => import('./customers') },
  { path: 'to-ship', title: 'To ship', data: { open: 'TO_SHIP' }, loadComponent: () => import('./to-ship') },
  { path: 'on-their-way', title: 'On their way', data: { open: 'SHIPPED' }, loadComponent: () => import('./to-ship') },
  { path: 'batch', title: 'Pick and pack', loadComponent: () => import('./batch') },
  { path: 'returns', title: 'Returns', loadComponent: () => import('./returns') },
  { path: 'refunds', title: 'Refunds', loadComponent: () => import('./refunds') },
  { path: 'orders/:orderId', title: 'Order', loadComponent: () => import('./order') },
  { path: 'products', title: 'Products', loadComponent: () => import('./products') },
  { path: 'products/new', title: 'New product', loadComponent: () => import('./product') },
  { path: 'products/:productId', title: 'Product', loadComponent: () => import('./product') },
  { path: 'stock', title: 'Stock', loadComponent: () => import('./stock') },
  { path: 'stock/:productId', title: 'Stock', loadComponent: () => import('./stock-product') },
  { path: 'shipping', title: 'Shipping rates', loadComponent: () => import('./shipping') },
  { path: 'tax', title: 'Tax rates', loadComponent: () => import('./tax') },
];

export default routes;
