import { forwardRef } from 'react';

/**
 * Stands in for the package react-remove-scroll, which locks the page's scrolling behind a dialog by writing a <style>
 * element that the Content-Security-Policy refuses. This page scrolls in small windows only, and does no harm behind a
 * dialog.
 */
export const RemoveScroll = forwardRef(function RemoveScroll(
  { as: As = 'div', allowPinchZoom, shards, enabled, removeScrollBar, noIsolation, inert, ...props },
  ref,
) {
  return <As {...props} ref={ref} />;
});
