#!/bin/sh
# Installs the MCP clients that the tests run, below target/agents. Running it again does nothing.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
folder="$root/target/agents/mcp-clients"
wanted="inspector@2.12.0 client@2.4.0 sdk@1.32.2 node@22 python@2.3.0 claude@2.1.328"

if [ "$(cat "$folder/installed" 2>/dev/null || true)" = "$wanted" ]; then
    echo "The MCP clients are installed."
    exit 0
fi
mkdir -p "$folder"
cd "$folder"
echo '{"private":true,"type":"module"}' >package.json
# An older Node silently gets an old Claude Code, so it comes along.
npm install --no-audit --no-fund node@22
PATH="$folder/node_modules/.bin:$PATH"
export PATH
npm install --no-audit --no-fund \
    @modelcontextprotocol/inspector@2.12.0 \
    @modelcontextprotocol/client@2.4.0 \
    @modelcontextprotocol/sdk@1.32.2 \
    @anthropic-ai/claude-code@2.1.328
python3 -m venv python
python/bin/pip --quiet install mcp==2.3.0
node_modules/.bin/claude --version | grep -q '^2\.1\.328 '
echo "$wanted" >installed
