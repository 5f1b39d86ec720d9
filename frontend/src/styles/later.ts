// The sheets of pages that nobody sees first: they come with the first of these pages, so that a first visit does not carry
// them. Whatever page or part needs one imports this file.

import account from '../app/pages/account.css' with { loader: 'text' };
import orderItems from '../app/ui/order-items.css' with { loader: 'text' };
import cart from '../app/pages/cart.css' with { loader: 'text' };
import priceChanges from '../app/ui/price-changes.css' with { loader: 'text' };
import checkout from '../app/pages/checkout.css' with { loader: 'text' };
import paymentMethod from '../app/ui/payment-method.css' with { loader: 'text' };
import countdown from '../app/ui/countdown.css' with { loader: 'text' };
import payment from '../app/pages/payment.css' with { loader: 'text' };
import order from '../app/pages/order.css' with { loader: 'text' };
import confirmation from '../app/pages/confirmation.css' with { loader: 'text' };
import address from '../app/ui/address.css' with { loader: 'text' };
import orders from '../app/pages/orders.css' with { loader: 'text' };
import story from '../app/ui/story.css' with { loader: 'text' };
import returns from '../app/ui/returns.css' with { loader: 'text' };
import dialog from '../app/ui/dialog.css' with { loader: 'text' };
import receipt from '../app/pages/receipt.css' with { loader: 'text' };
import text from '../app/pages/text.css' with { loader: 'text' };
import { adopt } from '../app/ui/sheet';

const SHEETS = [
  account,
  orderItems,
  cart,
  priceChanges,
  checkout,
  paymentMethod,
  countdown,
  payment,
  order,
  confirmation,
  address,
  orders,
  story,
  returns,
  dialog,
  receipt,
  text,
];

adopt(SHEETS.join('\n'), 'pages');
