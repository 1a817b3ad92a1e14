import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';

import './editors.js';
import './explorer.css';
import { examplesPlugin, loadExamples } from './examples.jsx';
import { fetcher } from './fetcher.js';
import { Session } from './session.jsx';
import { storage } from './storage.js';

createRoot(document.getElementById('session')).render(<Session />);

const examples = await loadExamples();
const firstTabs = examples.filter(example => example.tab);

createRoot(document.getElementById('explorer')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    shouldPersistHeaders={false}
    inputValueDeprecation
    schemaDescription
    defaultQuery=""
    defaultTabs={firstTabs.length > 0 ? firstTabs : undefined}
    defaultEditorToolsVisibility="variables"
    plugins={[examplesPlugin(examples)]}
  >
    <GraphiQL.Logo><span /></GraphiQL.Logo>
  </GraphiQL>,
);
