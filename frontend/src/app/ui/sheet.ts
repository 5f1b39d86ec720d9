/**
 * Use a style sheet that has come with a script, so that a first visit does not carry it. The content security policy allows
 * no inline style; a sheet that a script adopts is none.
 *
 * @param css of a component, imported as text.
 * @param layer of the shop's sheet in which it stands.
 */
export function adopt(css: string, layer: 'components' | 'shell' | 'pages'): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer ${layer} { ${css} }`);
  document.adoptedStyleSheets.push(sheet);
}
