import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import { connectVault } from '../workers/client.ts';
import App from './App.svelte';
import { EntryAddress } from './account/entry-address.svelte.ts';
import { ShareAddress } from './share/share-address.svelte.ts';
import { Vault } from './state/vault.svelte.ts';

// First of all: the secret of a link must not stand in the address bar when anything else is fetched.
const share = new ShareAddress();
const entry = new EntryAddress();
const vault: Vault = new Vault(connectVault((message) => (vault.failure = message)));
const target = document.getElementById('app');
if (target === null) throw new Error('the page has no place for the application');
target.replaceChildren();
mount(App, { target, props: { vault, entry, share } });
void vault.open();
