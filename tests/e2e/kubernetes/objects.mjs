// Whether objects on standard input, a JSON list, are what their operators take: prints a list of sentences, one for
// each fault. The first argument is the folder node_modules. Values are judged by the schemas of the CRDs, which
// let unknown fields pass; names of fields by the TypeScript types that were made from them.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const modules = fs.realpathSync(process.argv[2]);
const typescript = createRequire(path.join(modules, 'x'))('typescript');
const packages = {
  'argoproj.io': '@kubernetes-models/argo-rollouts',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};
const model = ({ apiVersion, kind }) => `${packages[apiVersion.split('/')[0]]}/${apiVersion}/${kind}`;

async function wrongValues(object) {
  const { [object.kind]: Kind } = await import(path.join(modules, `${model(object)}.js`));
  try {
    new Kind(object).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

function wrongNames(object) {
  const source = path.join(path.dirname(modules), 'object.ts');
  const text = `import type { I${object.kind} } from '${model(object)}';
    export const object: I${object.kind} = ${JSON.stringify(object)};`;
  const options = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    module: typescript.ModuleKind.ESNext,
    moduleResolution: typescript.ModuleResolutionKind.Bundler,
    target: typescript.ScriptTarget.ES2022,
  };
  const host = typescript.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === source ? typescript.createSourceFile(name, text, ...rest) : getSourceFile(name, ...rest);
  const program = typescript.createProgram([source], options, host);
  const found = typescript.getPreEmitDiagnostics(program);
  return found.map(({ messageText }) => typescript.flattenDiagnosticMessageText(messageText, ' '));
}

const wrong = [];
for (const object of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  for (const sentence of [...(await wrongValues(object)), ...wrongNames(object)]) {
    wrong.push(`${object.kind} ${object.metadata?.name}: ${sentence}`);
  }
}
console.log(JSON.stringify(wrong));
