import '../../styles/later';
import css from './office.css' with { loader: 'text' };

// The back office's sheet comes with its scripts, so that a shopper's first visit does not carry it. The content security
// policy allows no inline style; a sheet that a script adopts is none.
const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);
