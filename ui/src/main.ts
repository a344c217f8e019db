/** Starts the window's page. */
import './tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/frame.css';
import './styles/sessions.css';
import './styles/rows.css';
import './styles/session.css';
import './styles/panel.css';
import './styles/tasks.css';
import './styles/task.css';
import './styles/narrow.css';

import { mount } from 'svelte';

import App from './App.svelte';
import type { Host } from './host/host';
import { insideTauri, tauriHost } from './host/tauri';
import { Desk } from './state/desk.svelte';

async function connect(): Promise<Host> {
  // Vite replaces both names, so the recording is no part of the program's own build.
  if ((import.meta.env.DEV || import.meta.env.MODE === 'recorded') && !insideTauri()) {
    const { recordedHost } = await import('./host/recorded');
    return recordedHost(new URLSearchParams(location.search));
  }
  return tauriHost();
}

const target = document.querySelector('#app');
if (target !== null) mount(App, { target, props: { desk: new Desk(await connect()) } });
