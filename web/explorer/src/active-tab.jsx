import { useEditorContext } from '@graphiql/react';
import { useEffect } from 'react';

/** Shows nothing; scrolls the tab bar so that the active tab is in sight, also when a new title makes it wider. */
export function ActiveTabInSight() {
  const { tabs, activeTabIndex } = useEditorContext({ nonNull: true });
  const { id, title } = tabs[activeTabIndex];

  useEffect(() => {
    const tab = document.querySelector('.graphiql-tab-active');
    const bar = tab?.closest('.graphiql-tabs');
    if (!bar) return;
    // Not scrollIntoView, which could scroll the page under somebody who is typing, and offsets rather than rectangles,
    // which are those of the moment in an animation.
    const start = tab.offsetLeft - bar.firstElementChild.offsetLeft;
    const padding = 12;
    const end = padding + start + tab.offsetWidth + padding;
    bar.scrollLeft = Math.max(end - bar.clientWidth, Math.min(bar.scrollLeft, start));
  }, [id, title, tabs.length]);

  return null;
}
