// Prometheus' answers as Grafana's data source makes data frames of them, with the board's transformations and
// field settings applied by Grafana's own code.
import * as D from '@grafana/data';

const transformers = new Map(Object.values(D.standardTransformers).map((one) => [one.id, one]));
D.standardTransformersRegistry.setInit(() =>
  [...transformers].map(([id, transformation]) => ({ id, name: transformation.name, transformation }))
);

const legend = (target, labels) => {
  const format = target.legendFormat ?? '__auto';
  if (format === '__auto') {
    const { __name__: name = '', ...rest } = labels;
    const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`);
    return pairs.length || name ? `${name}${pairs.length ? `{${pairs.join(', ')}}` : ''}` : 'Value';
  }
  return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, key) => labels[key] ?? '');
};

const NOT_FINITE = { '+Inf': Infinity, '-Inf': -Infinity, NaN: null };
const number = (text) => (text in NOT_FINITE ? NOT_FINITE[text] : Number(text));
const samples = (series) => series.values ?? [series.value];

function seriesFrames({ target, result }) {
  return result.map((series) => {
    const name = legend(target, series.metric);
    return {
      refId: target.refId,
      name,
      length: samples(series).length,
      fields: [
        { name: 'Time', type: D.FieldType.time, config: {}, values: samples(series).map(([at]) => at * 1000) },
        {
          name: 'Value',
          type: D.FieldType.number,
          labels: series.metric,
          config: { displayNameFromDS: name },
          values: samples(series).map(([, value]) => number(value)),
        },
      ],
    };
  });
}

function tableFrame({ target, result }, several) {
  const labels = [...new Set(result.flatMap((series) => Object.keys(series.metric)))].sort();
  const column = (name, type, value) => ({ name, type, config: {}, values: result.map(value) });
  return {
    refId: target.refId,
    length: result.length,
    fields: [
      column('Time', D.FieldType.time, (series) => samples(series).at(-1)[0] * 1000),
      ...labels.map((label) => column(label, D.FieldType.string, (series) => series.metric[label])),
      column(several ? `Value #${target.refId}` : 'Value', D.FieldType.number, (series) => number(samples(series).at(-1)[1])),
    ],
  };
}

// Cumulative buckets become one series each, in order of their bound.
function bucketFrames(answer) {
  const bound = (series) => number(series.metric.le);
  const sorted = [...answer.result].sort((a, b) => bound(a) - bound(b));
  const frames = seriesFrames({ ...answer, result: sorted });
  return frames.map((frame, index) => {
    const below = frames[index - 1]?.fields[1].values;
    const values = frame.fields[1].values.map((value, at) => Math.max(0, value - (below?.[at] ?? 0)));
    return { ...frame, fields: [frame.fields[0], { ...frame.fields[1], values }] };
  });
}

// Gaps are nulls on the one grid that all series of a panel share, as a query of a range returns them.
function onOneGrid(frames, { from, to, step }) {
  const start = from * 1000 - ((from * 1000) % (step * 1000));
  const grid = Array.from({ length: Math.floor((to * 1000 - start) / (step * 1000)) + 1 }, (_, i) => start + i * step * 1000);
  return frames.map((frame) => {
    const [time, value] = frame.fields;
    const known = new Map(time.values.map((at, index) => [Math.round(at), value.values[index]]));
    const values = grid.map((at) => known.get(Math.round(at)) ?? null);
    return { ...frame, length: grid.length, fields: [{ ...time, values: grid }, { ...value, values }] };
  });
}

function override(field, frame, frames, overrides) {
  for (const { matcher, properties } of overrides) {
    const matches = D.fieldMatchers.get(matcher.id).get(matcher.options);
    if (!matches(field, frame, frames)) {
      continue;
    }
    for (const { id, value } of properties) {
      const path = id.split('.');
      const last = path.pop();
      path.reduce((at, key) => (at[key] ??= {}), field.config)[last] = value;
    }
  }
}

export async function framesOf(panel, answers, times, theme) {
  const several = (panel.targets ?? []).length > 1;
  let frames = answers.flatMap((answer) => {
    const { format } = answer.target;
    if (format === 'table') {
      return answer.result.length ? [tableFrame(answer, several)] : [];
    }
    const made = format === 'heatmap' ? bucketFrames(answer) : seriesFrames(answer);
    return answer.target.instant ? made : onOneGrid(made, times);
  });
  if (panel.transformations?.length) {
    const known = panel.transformations.filter(({ disabled }) => !disabled);
    const replaced = { interpolate: (text) => text };
    frames = await new Promise((resolve, reject) =>
      D.transformDataFrame(known, frames, replaced).subscribe({ next: resolve, error: reject })
    );
  }
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  let index = 0;
  for (const frame of frames) {
    for (const field of frame.fields) {
      const own = { ...field.config };
      field.config = structuredClone({ ...defaults, ...own, custom: { ...defaults.custom, ...own.custom } });
      override(field, frame, frames, overrides);
      field.state = { ...field.state, seriesIndex: field.type === D.FieldType.number ? index++ : undefined };
    }
  }
  for (const frame of frames) {
    for (const field of frame.fields) {
      field.state.displayName = undefined;
      field.state.displayName = D.getFieldDisplayName(field, frame, frames);
      field.display = D.getDisplayProcessor({ field, theme, timeZone: 'utc' });
    }
  }
  return frames;
}

export const shown = (field, value) => D.formattedValueToString(field.display(value));
export const numbersOf = (frames) => frames.flatMap((frame) => frame.fields.filter((field) => field.type === D.FieldType.number));
