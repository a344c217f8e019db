// The official TypeScript clients drive the server; prints what they saw as JSON.
// Arguments: program, client (`v1`, `legacy` or `modern`). The scripted agent waits for $GATE.
import { writeFileSync } from 'node:fs';

const [program, which] = process.argv.slice(2);
const gate = process.env.GATE;
const seen = { progress: [] };
const info = { name: 'typescript', version: '1' };
const start = { command: program, args: ['--mcp'], env: process.env, stderr: 'ignore' };

async function connect() {
    if (which === 'v1') {
        const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
        const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
        const client = new Client(info);
        await client.connect(new StdioClientTransport(start));
        return client;
    }
    const { Client } = await import('@modelcontextprotocol/client');
    const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
    const mode = which === 'modern' ? 'auto' : 'legacy';
    const client = new Client(info, { versionNegotiation: { mode } });
    await client.connect(new StdioClientTransport(start));
    return client;
}

const client = await connect();
const call = (name, args, options) =>
    which === 'v1'
        ? client.callTool({ name, arguments: args }, undefined, options)
        : client.callTool({ name, arguments: args }, options);
seen.server = client.getServerVersion()?.name;
seen.protocol = client.getNegotiatedProtocolVersion?.();
seen.tools = (await client.listTools()).tools.map((tool) => tool.name);
seen.bad = await call('codex_status', { task_id: 'none' });
const started = await call('codex_run', { prompt: 'Do it.' });
const task = started.structuredContent.task_id;
const onprogress = (progress) => seen.progress.push(progress.progress);
const waited = await call(
    'codex_wait',
    { task_ids: [task], timeout_seconds: 5 },
    { onprogress, timeout: 4000, resetTimeoutOnProgress: true },
);
seen.pending = waited.structuredContent.pending[0] === task;
const controller = new AbortController();
const aborted = call('codex_wait', { task_ids: [task] }, { signal: controller.signal });
setTimeout(() => controller.abort('enough'), 300);
seen.aborted = await aborted.then(
    () => false,
    () => true,
);
seen.status = (await call('codex_status', { task_id: task })).structuredContent.status;
writeFileSync(gate, '');
const ended = await call('codex_wait', { task_ids: [task] });
seen.final = ended.structuredContent.tasks[0].final_message;
const page = await client.readResource({ uri: `codex://task/${task}/result` });
seen.page = page.contents[0].text;
await client.close();
process.stdout.write(JSON.stringify(seen));
