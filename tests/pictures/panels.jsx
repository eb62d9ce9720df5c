// The kinds of panels. Stat and time series are Grafana's components; what Grafana does not publish as components
// (table, heatmap, state timeline, bar chart) is drawn here from Grafana's display processors and colours.
import React from 'react';
import * as D from '@grafana/data';
import * as U from '@grafana/ui';
import { shown, numbersOf } from './frames.js';

const asIs = (text) => text;

export function Stat({ panel, frames, width, height, theme }) {
  const { reduceOptions, colorMode, graphMode, justifyMode, textMode } = panel.options;
  let values = D.getFieldDisplayValues({
    data: frames,
    fieldConfig: panel.fieldConfig,
    reduceOptions,
    replaceVariables: asIs,
    theme,
    sparkline: graphMode !== 'none',
    timeZone: 'utc',
  });
  if (!frames.length) {
    const text = panel.fieldConfig.defaults.noValue ?? 'No data';
    values = [{ display: { text, numeric: NaN, color: theme.colors.text.secondary } }];
  }
  const across = width / values.length >= 60 || values.length < 3;
  const [w, h] = across ? [width / values.length, height] : [width, height / values.length];
  return (
    <div style={{ display: 'flex', flexDirection: across ? 'row' : 'column', gap: 2 }}>
      {values.map(({ display, sparkline }, index) => (
        <U.BigValue
          key={index}
          theme={theme}
          width={w - 2}
          height={h - 2}
          value={{ ...display, title: values.length > 1 || textMode === 'value_and_name' ? display.title : undefined }}
          sparkline={sparkline}
          graphMode={graphMode}
          colorMode={colorMode}
          justifyMode={justifyMode}
          textMode={textMode}
          count={values.length}
        />
      ))}
    </div>
  );
}

const NOTHING = { color: '#8e8e8e', height: '100%', display: 'flex', alignItems: 'center', justifyContent: 'center' };

export const NoData = () => <div style={NOTHING}>No data</div>;

export function TimeSeries({ panel, frames, width, height, times, marks }) {
  const range = { from: D.dateTime(times.from * 1000), to: D.dateTime(times.to * 1000), raw: { from: '', to: '' } };
  const legend = { ...panel.options.legend, showLegend: panel.options.legend?.showLegend !== false };
  return (
    <U.TimeSeries frames={frames} structureRev={1} timeZone="utc" width={width} height={height} timeRange={range} legend={legend}>
      {(builder) => <Marks builder={builder} marks={marks} />}
    </U.TimeSeries>
  );
}

// Annotations: dashed lines with a triangle below, as Grafana draws them.
function Marks({ builder, marks }) {
  React.useMemo(() => {
    builder.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      for (const { at, color } of marks) {
        const x = Math.round(plot.valToPos(at * 1000, 'x', true));
        if (x < bbox.left || x > bbox.left + bbox.width) {
          continue;
        }
        ctx.strokeStyle = ctx.fillStyle = color;
        ctx.setLineDash([5, 5]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.beginPath();
        ctx.moveTo(x - 5, bbox.top + bbox.height + 6);
        ctx.lineTo(x + 5, bbox.top + bbox.height + 6);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.fill();
      }
      ctx.restore();
    });
  }, [builder]);
  return null;
}

// ------------------------------------------------------------------------------------------------- table

const cellKind = (field) => field.config.custom?.cellOptions?.type ?? 'auto';

function Cell({ field, value, theme, width }) {
  const display = field.display(value);
  const text = value === null || value === undefined ? '' : D.formattedValueToString(display);
  const links = field.config.links?.length;
  const style = { padding: '0 6px', height: 35, textAlign: field.type === D.FieldType.number ? 'right' : 'left' };
  Object.assign(style, { whiteSpace: 'nowrap', overflow: 'hidden', textOverflow: 'ellipsis', maxWidth: width });
  const kind = cellKind(field);
  if (text && kind === 'color-background') {
    Object.assign(style, { background: display.color, color: theme.colors.getContrastText(display.color) });
  } else if (text && kind === 'color-text') {
    style.color = display.color;
  }
  if (links) {
    style.color = kind === 'color-background' ? style.color : theme.colors.text.link;
    style.textDecoration = kind === 'color-background' ? 'underline' : 'none';
  }
  if (text && kind === 'gauge') {
    const { min = 0, max = 1 } = field.config;
    const share = Math.max(0, Math.min(1, (display.numeric - min) / (max - min)));
    return (
      <td style={style}>
        <div style={{ display: 'flex', alignItems: 'center', gap: 6 }}>
          <div style={{ flex: 1, background: theme.colors.background.secondary, height: 16 }}>
            <div style={{ width: `${100 * share}%`, background: display.color, height: '100%' }} />
          </div>
          <span style={{ color: display.color }}>{text}</span>
        </div>
      </td>
    );
  }
  return <td style={style}>{text}</td>;
}

export function Table({ panel, frames, height, theme }) {
  const [frame] = frames;
  const fields = frame.fields.filter((field) => !field.config.custom?.hidden && !field.config.custom?.hideFrom?.viz);
  const order = [...Array(frame.length).keys()];
  for (const { displayName, desc } of [...(panel.options.sortBy ?? [])].reverse()) {
    const by = frame.fields.find((field) => field.state.displayName === displayName);
    if (by) {
      order.sort((a, b) => compared(by.values[a], by.values[b], desc));
    }
  }
  const fits = Math.floor((height - 36) / 36);
  const line = `1px solid ${theme.colors.border.weak}`;
  return (
    <div style={{ height, overflow: 'hidden' }}>
      <table style={{ width: '100%', borderCollapse: 'collapse', fontSize: 14 }}>
        <thead>
          <tr>
            {fields.map((field) => (
              <th
                key={field.name}
                style={{
                  textAlign: field.type === D.FieldType.number ? 'right' : 'left',
                  width: field.config.custom?.width,
                  borderBottom: line,
                  padding: '0 6px',
                  height: 36,
                  fontWeight: 500,
                  whiteSpace: 'nowrap',
                  color: theme.colors.text.secondary,
                }}
              >
                {field.state.displayName}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {order.slice(0, fits).map((row) => (
            <tr key={row} style={{ borderBottom: line }}>
              {fields.map((field) => (
                <Cell key={field.name} field={field} value={field.values[row]} theme={theme} width={field.config.custom?.width ?? 260} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// What is missing is last, whichever way.
function compared(a, b, descending) {
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  if (missing(a) || missing(b)) {
    return missing(a) - missing(b);
  }
  const order = a < b ? -1 : a > b ? 1 : 0;
  return descending ? -order : order;
}

// ----------------------------------------------------------------------------------- on a grid of time

const LEFT = 8;
const AXIS = 24;

const textWidth = (text) => U.measureText(text, 12).width;

const clock = (at) => D.dateTimeFormat(at, { timeZone: 'utc', format: 'HH:mm:ss' });

function TimeAxis({ times, left, width, top, theme }) {
  const ticks = Math.max(2, Math.floor(width / 110));
  return [...Array(ticks).keys()].map((index) => {
    const share = (index + 0.5) / ticks;
    const at = (times.from + share * (times.to - times.from)) * 1000;
    return (
      <text key={index} x={left + share * width} y={top + 16} fill={theme.colors.text.secondary} fontSize={12} textAnchor="middle">
        {clock(at)}
      </text>
    );
  });
}

function RowNames({ names, left, rowHeight, theme }) {
  const every = Math.max(1, Math.ceil(14 / rowHeight));
  return names.map((name, row) =>
    row % every ? null : (
      <text key={row} x={left - 8} y={(row + 0.5) * rowHeight + 4} fill={theme.colors.text.secondary} fontSize={12} textAnchor="end">
        {name}
      </text>
    )
  );
}

export function StateTimeline({ panel, frames, width, height, times, theme }) {
  const fields = numbersOf(frames);
  const names = fields.map((field) => field.state.displayName);
  const left = Math.max(...names.map(textWidth)) + LEFT + 12;
  const room = { width: width - left - 8, height: height - AXIS };
  const rowHeight = room.height / fields.length;
  const thick = rowHeight * (panel.options.rowHeight ?? 0.9);
  return (
    <svg width={width} height={height}>
      <RowNames names={names} left={left} rowHeight={rowHeight} theme={theme} />
      {fields.flatMap((field, row) => {
        const step = room.width / field.values.length;
        return runs(field).map(({ from, until, display }) => (
          <rect
            key={`${row}-${from}`}
            x={left + from * step}
            y={row * rowHeight + (rowHeight - thick) / 2}
            width={(until - from) * step}
            height={thick}
            fill={display.color}
            fillOpacity={(field.config.custom?.fillOpacity ?? 70) / 100}
          />
        ));
      })}
      <TimeAxis times={times} left={left} width={room.width} top={room.height} theme={theme} />
    </svg>
  );
}

// Neighbouring values that look alike are one run.
function runs(field) {
  const found = [];
  field.values.forEach((value, at) => {
    if (value === null) {
      return;
    }
    const display = field.display(value);
    const last = found.at(-1);
    if (last && last.until === at && last.display.color === display.color) {
      last.until = at + 1;
    } else {
      found.push({ from: at, until: at + 1, display });
    }
  });
  return found;
}

const ORANGES = ['#fff5eb', '#fee6ce', '#fdd0a2', '#fdae6b', '#fd8d3c', '#f16913', '#d94801', '#a63603', '#7f2704'].reverse();

function between(share) {
  const at = Math.min(ORANGES.length - 1.001, Math.max(0, share * (ORANGES.length - 1)));
  const [a, b] = [ORANGES[Math.floor(at)], ORANGES[Math.floor(at) + 1]];
  const part = (color, index) => parseInt(color.slice(1 + 2 * index, 3 + 2 * index), 16);
  const mixed = [0, 1, 2].map((index) => Math.round(part(a, index) + (at % 1) * (part(b, index) - part(a, index))));
  return `rgb(${mixed.join(',')})`;
}

export function Heatmap({ panel, frames, width, height, times, theme }) {
  const fields = numbersOf(frames);
  const bound = D.getValueFormat(panel.options.yAxis?.unit ?? 'short');
  const asBucket = panel.targets[0].format === 'heatmap';
  const named = (name) => (asBucket && isFinite(name) ? D.formattedValueToString(bound(Number(name))) : name);
  const rows = [...fields].reverse();
  const names = rows.map((field) => named(field.state.displayName));
  const left = Math.min(200, Math.max(...names.map(textWidth)) + LEFT + 12);
  const room = { width: width - left - 8, height: height - AXIS - 26 };
  const rowHeight = room.height / rows.length;
  const least = panel.options.filterValues?.le ?? 0;
  const filled = fields.flatMap((field) => field.values.filter((value) => value !== null && value > least));
  const [low, high] = filled.length ? [Math.min(...filled), Math.max(...filled)] : [0, 0];
  return (
    <div>
      <svg width={width} height={height - 26}>
        <RowNames names={names} left={left} rowHeight={rowHeight} theme={theme} />
        {rows.flatMap((field, row) => {
          const step = room.width / field.values.length;
          return field.values.map((value, at) =>
            value === null || !(value > least) ? null : (
              <rect
                key={`${row}-${at}`}
                x={left + at * step}
                y={row * rowHeight}
                width={Math.max(1, step - 0.5)}
                height={Math.max(1, rowHeight - 1)}
                fill={between((value - low) / (high - low || 1))}
              />
            )
          );
        })}
        <TimeAxis times={times} left={left} width={room.width} top={room.height} theme={theme} />
      </svg>
      <div style={{ display: 'flex', alignItems: 'center', gap: 8, fontSize: 12, marginLeft: left, color: theme.colors.text.secondary }}>
        <span>{shown(fields[0], low)}</span>
        <div style={{ width: 200, height: 10, background: `linear-gradient(90deg, ${ORANGES.join(',')})` }} />
        <span>{shown(fields[0], high)}</span>
      </div>
    </div>
  );
}

// --------------------------------------------------------------------------------------------- bar chart

export function BarChart({ panel, frames, width, height, theme }) {
  const [frame] = frames;
  const names = frame.fields.find((field) => field.type === D.FieldType.string);
  const bars = frame.fields.filter((field) => field.type === D.FieldType.number);
  const colors = bars.map((field) => D.getFieldSeriesColor(field, theme).color);
  const sideways = panel.options.orientation === 'horizontal';
  const most = Math.max(...bars.flatMap((field) => field.values.filter((value) => isFinite(value)))) * 1.05;
  const count = names.values.length;
  const step = [1, 2, 5].map((digit) => digit * 10 ** Math.floor(Math.log10(most / 2))).findLast((size) => size * 2 <= most);
  const ticks = [...Array(Math.floor(most / step) + 1).keys()].map((tick) => tick * step);
  const longest = Math.max(...names.values.map(textWidth));
  const turned = !sideways && longest > (width - 60) / count;
  const left = sideways ? Math.min(180, longest + 20) : 56;
  const below = sideways ? AXIS : turned ? Math.min(110, longest + 16) : AXIS;
  const room = { width: width - left - 8, height: height - below - 28 };
  const slot = (sideways ? room.height : room.width) / count;
  const thick = (slot * (panel.options.groupWidth ?? 0.7)) / bars.length;
  const every = Math.max(1, Math.ceil(14 / slot));
  const grid = theme.colors.border.weak;
  const label = { fill: theme.colors.text.secondary, fontSize: 12 };
  return (
    <div>
      <svg width={width} height={height - 28}>
        {ticks.map((value) => {
          const at = value / most;
          const text = shown(bars[0], value);
          return sideways ? (
            <g key={value}>
              <line x1={left + at * room.width} x2={left + at * room.width} y1={0} y2={room.height} stroke={grid} />
              <text {...label} x={left + at * room.width} y={room.height + 16} textAnchor="middle">{text}</text>
            </g>
          ) : (
            <g key={value}>
              <line x1={left} x2={left + room.width} y1={(1 - at) * room.height} y2={(1 - at) * room.height} stroke={grid} />
              <text {...label} x={left - 8} y={(1 - at) * room.height + 8} textAnchor="end">{text}</text>
            </g>
          );
        })}
        {bars.flatMap((field, bar) =>
          field.values.map((value, index) => {
            const start = index * slot + (slot - thick * bars.length) / 2 + bar * thick;
            const length = Math.max(0, value / most) || 0;
            const fill = { fill: colors[bar], fillOpacity: (field.config.custom?.fillOpacity ?? 80) / 100 };
            return sideways ? (
              <rect key={`${bar}-${index}`} x={left} y={start} width={length * room.width} height={thick} {...fill} />
            ) : (
              <rect key={`${bar}-${index}`} x={left + start} y={(1 - length) * room.height} width={thick} height={length * room.height} {...fill} />
            );
          })
        )}
        {names.values.map((name, index) => {
          if (index % every) {
            return null;
          }
          const at = (index + 0.5) * slot;
          if (sideways) {
            return <text key={index} {...label} x={left - 8} y={at + 4} textAnchor="end">{name}</text>;
          }
          const [x, y] = [left + at, room.height + 14];
          const turn = turned ? { textAnchor: 'end', transform: `rotate(-60 ${x} ${y})` } : { textAnchor: 'middle' };
          return <text key={index} {...label} x={x} y={y} {...turn}>{name}</text>;
        })}
      </svg>
      <div style={{ display: 'flex', gap: 16, fontSize: 12, marginLeft: 8 }}>
        {bars.map((field, bar) => (
          <span key={field.name} style={{ display: 'flex', alignItems: 'center', gap: 6 }}>
            <span style={{ width: 14, height: 4, borderRadius: 2, background: colors[bar] }} />
            {field.state.displayName}
          </span>
        ))}
      </div>
    </div>
  );
}
