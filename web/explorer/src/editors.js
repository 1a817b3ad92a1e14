import CodeMirror from 'codemirror';
import 'codemirror/keymap/sublime.js';

// Tab leaves an editor (WCAG 2.1.2, no keyboard trap) instead of indenting; Ctrl-] and Ctrl-[ indent.
for (const name of ['default', 'sublime']) {
  CodeMirror.keyMap[name].Tab = false;
  CodeMirror.keyMap[name]['Shift-Tab'] = false;
}

// Screen readers need a name for each editor's text field.
const names = { graphql: 'Query', 'graphql-variables': 'Variables', 'graphql-results': 'Result', javascript: 'Headers' };
CodeMirror.defineInitHook(editor => {
  const mode = editor.getOption('mode');
  editor.setOption('screenReaderLabel', names[mode?.name ?? mode] ?? 'Editor');
});
