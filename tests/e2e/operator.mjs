// Whether objects on standard input, a JSON list, are what the Prometheus Operator takes: prints a list of
// sentences, one for each that is not. The first argument is the folder node_modules.
import fs from 'node:fs';
import path from 'node:path';

const models = path.join(process.argv[2], '@kubernetes-models/prometheus-operator');
const wrong = [];
for (const object of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  const { [object.kind]: Kind } = await import(path.join(models, object.apiVersion, `${object.kind}.js`));
  try {
    new Kind(object).validate();
  } catch (error) {
    wrong.push(`${object.kind} ${object.metadata?.name}: ${error.message}`);
  }
}
console.log(JSON.stringify(wrong));
