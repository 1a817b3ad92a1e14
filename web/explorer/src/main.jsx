import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';

import './editors.js';
import './explorer.css';
import { ActiveTabInSight } from './active-tab.jsx';
import { examplesPlugin, loadExamples } from './examples.jsx';
import { fetcher } from './fetcher.js';
import { Session } from './session.jsx';
import { storage } from './storage.js';

createRoot(document.getElementById('session')).render(<Session />);

const examples = await loadExamples();
const firstTabs = examples.filter(example => example.tab);

// On the first visit GraphiQL fills the variables of every tab but the one it shows: that one is filled from the storage.
if (firstTabs.length > 0 && !storage.getItem('graphiql:tabState')) {
  storage.setItem('graphiql:query', firstTabs[0].query);
  storage.setItem('graphiql:variables', firstTabs[0].variables);
}

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
    <GraphiQL.Logo><ActiveTabInSight /></GraphiQL.Logo>
  </GraphiQL>,
);
