import '../../../styles/later';
import css from './account.css' with { loader: 'text' };

// As the back office's sheet.
const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);
