import { useEditorContext } from '@graphiql/react';
import { useEffect, useRef } from 'react';

/**
 * Reads /explorer/examples.graphql: one valid GraphQL document, cut at the lines `# @example Title`.
 * Lines inside an example: `# @tab` opens it on the first visit, `# @variables {...}` gives its variables.
 */
export async function loadExamples() {
  try {
    const response = await fetch('/explorer/examples.graphql', { credentials: 'same-origin' });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return parseExamples(await response.text());
  } catch (error) {
    console.error('The examples cannot be read:', error);
    return [];
  }
}

export function parseExamples(text) {
  return text.split(/^# @example /m).slice(1).map(part => {
    const [title, ...lines] = part.split(/\r?\n/);
    const variables = lines.find(line => line.startsWith('# @variables '))?.slice('# @variables '.length);
    return {
      title: title.trim(),
      tab: lines.includes('# @tab'),
      query: lines.filter(line => !line.startsWith('# @')).join('\n').trim() + '\n',
      variables: variables ? JSON.stringify(JSON.parse(variables), null, 2) : '',
    };
  });
}

/** A panel that lists the examples; each opens in a tab of its own. */
export function examplesPlugin(examples) {
  return {
    title: 'Examples',
    icon: () => (
      <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
        <path d="M2 3.5h2M6.5 3.5H14M2 8h2M6.5 8H14M2 12.5h2M6.5 12.5H14" />
      </svg>
    ),
    content: () => <Examples examples={examples} />,
  };
}

function Examples({ examples }) {
  const editors = useEditorContext({ nonNull: true });
  const opening = useRef(null);

  // addTab empties the editors; the example is written once the new tab is there.
  useEffect(() => {
    if (!opening.current) return;
    const { query, variables } = opening.current;
    opening.current = null;
    editors.queryEditor?.setValue(query);
    editors.variableEditor?.setValue(variables);
    // In a narrow window the editors are below this panel.
    document.querySelector('.graphiql-sessions')?.scrollIntoView({ block: 'start' });
  }, [editors.tabs.length]);

  return (
    <section aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <p>Each opens in a new tab and can be changed there.</p>
      <ul className="examples">
        {examples.map(example => (
          <li key={example.title}>
            <button
              type="button"
              onClick={() => {
                opening.current = example;
                editors.addTab();
              }}
            >
              {example.title}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
