// Only rules that find mistakes; how a sheet is laid out is prettier's matter.
export default {
  extends: 'stylelint-config-recommended',
  rules: {
    // Layers decide, and within one a rule is nested in its component's.
    'no-descending-specificity': null,
  },
};
