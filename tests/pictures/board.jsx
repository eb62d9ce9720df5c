// Draws one dashboard: panels where their grid positions say, rows between them, what the variables are on top.
import React from 'react';
import { createRoot } from 'react-dom/client';
import * as D from '@grafana/data';
import * as U from '@grafana/ui';
import { framesOf } from './frames.js';
import { BarChart, Heatmap, NoData, Stat, StateTimeline, Table, TimeSeries } from './panels.jsx';

const KINDS = { stat: Stat, timeseries: TimeSeries, table: Table, heatmap: Heatmap, 'state-timeline': StateTimeline, barchart: BarChart };
const CELL = 38;
const GAP = 8;
const TOP = 64;

const { board, answers, times, variables, marks, width } = window.__DRAWN__;
Date.now = () => times.to * 1000;
const theme = D.createTheme({ colors: { mode: 'dark' } });
const column = (width - 2 * GAP) / 24;

class Guard extends React.Component {
  state = {};
  static getDerivedStateFromError(error) {
    return { error };
  }
  render() {
    const { error } = this.state;
    return error ? <pre className="broken">{String(error.stack).slice(0, 400)}</pre> : this.props.children;
  }
}

function Panel({ panel, frames }) {
  const { x, y, w, h } = panel.gridPos;
  const place = { position: 'absolute', left: GAP + x * column, top: TOP + y * CELL };
  if (panel.type === 'row') {
    return <div style={{ ...place, fontSize: 18, fontWeight: 500, padding: '6px 8px' }}>⌄&ensp;{panel.title}</div>;
  }
  const Kind = KINDS[panel.type] ?? (() => <pre className="broken">{panel.type}</pre>);
  const empty = panel.type !== 'stat' && !frames.some((frame) => frame.length);
  return (
    <div style={place} className={empty ? 'empty' : ''}>
      <U.PanelChrome title={panel.title} width={w * column - GAP} height={h * CELL - GAP} description={undefined}>
        {(innerWidth, innerHeight) => (
          <Guard>
            {empty ? <NoData /> : <Kind panel={panel} frames={frames} width={innerWidth} height={innerHeight} times={times} marks={marks} theme={theme} />}
          </Guard>
        )}
      </U.PanelChrome>
    </div>
  );
}

function Head() {
  const chip = { background: theme.colors.background.secondary, border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2 };
  const ends = [times.from, times.to].map((at) => D.dateTimeFormat(at * 1000, { timeZone: 'utc', format: 'YYYY-MM-DD HH:mm' }));
  return (
    <div style={{ display: 'flex', alignItems: 'center', gap: 12, height: TOP - 12, padding: `0 ${GAP + 4}px` }}>
      <span style={{ fontSize: 18, fontWeight: 500, marginRight: 16 }}>{board.title}</span>
      {Object.entries(variables).map(([label, value]) => (
        <span key={label} style={{ display: 'flex', fontSize: 12 }}>
          <span style={{ ...chip, padding: '7px 8px' }}>{label}</span>
          <span style={{ ...chip, padding: '7px 10px', background: theme.colors.background.canvas, borderLeft: 0 }}>{value}</span>
        </span>
      ))}
      <span style={{ marginLeft: 'auto', fontSize: 13, color: theme.colors.text.secondary }}>{ends.join(' – ')} UTC</span>
    </div>
  );
}

async function draw() {
  const drawn = [];
  for (const panel of board.panels) {
    const own = answers.filter((answer) => answer.panel === panel.id);
    drawn.push({ panel, frames: panel.type === 'row' ? [] : await framesOf(panel, own, times, theme) });
  }
  // What is measured before the font is there is too narrow.
  await Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 14px Inter`)));
  const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  createRoot(document.getElementById('root')).render(
    <D.ThemeContext.Provider value={theme}>
      <U.GlobalStyles />
      <Head />
      {drawn.map((one) => (
        <Panel key={one.panel.id} {...one} />
      ))}
      <div style={{ height: bottom * CELL }} />
    </D.ThemeContext.Provider>
  );
}

draw().catch((error) => {
  document.getElementById('root').innerHTML = `<pre class="broken">${error.stack}</pre>`;
});
