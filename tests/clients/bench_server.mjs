// The same little server on the TypeScript SDK, for comparison.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const server = new McpServer({ name: 'comparison', version: '1' });
server.registerTool('codex_status', { description: 'Answers.' }, () => ({
    content: [{ type: 'text', text: 'VALIDATION: `task_id` is missing.' }],
    isError: true,
}));
await server.connect(new StdioServerTransport());
