import { minuteMs } from '../duration';
import { type AccountFacts, isLocalAccount, readAccountFacts } from '../storage/accountFacts';
import { openAzureBlobStore, type StorageAccount } from '../storage/azureBlobStore';
import { type Finding, failed, ofLaptop, ok, unknown, wrong } from './finding';
import { remedyOfRefusal } from './storageRefusal';

/**
 * The largest accepted difference, in milliseconds, between the clocks of this machine and of storage. From a quarter of an hour on,
 * storage refuses signatures.
 */
const mostAheadMs = minuteMs;

/** The container where the Functions host keeps the read positions of Event Hub triggers. */
const checkpoints = 'azure-webjobs-eventhub';

const probe = '_doctor/probe';

const refusedLake = { role: 'Storage Blob Data Contributor', setting: 'LakeStorage' };

/** Examines the Functions host's own storage account. */
export async function checkHostStorage(read: () => StorageAccount): Promise<Finding[]> {
  const what = 'host storage';
  let isLocal = false;
  try {
    const account = read();
    isLocal = await isLocalAccount(account);
    const facts = await readAccountFacts(account, checkpoints);
    if (facts.hasHierarchy)
      return [
        wrong(
          what,
          `${facts.account} has a hierarchical namespace, which the Functions host does not support`,
          'set AzureWebJobsStorage to another account, made without --enable-hierarchical-namespace',
        ),
      ];
    const positions = facts.hasContainer
      ? 'has the container for read positions'
      : 'has no read positions yet, for which the host makes a container';
    return [ok(what, `${facts.account} answers, and ${positions}`), ...checkClock(facts)];
  } catch (error) {
    const refused = { role: 'Storage Blob Data Owner', setting: 'AzureWebJobsStorage', isLocal };
    return [failed(what, error, remedyOfRefusal(error, refused))];
  }
}

/** Examines the lake: whether its container exists and can be written, and whether the account is one of ADLS Gen2. */
export async function checkLake(account: StorageAccount, container: string): Promise<Finding[]> {
  const what = 'lake';
  let isLocal = false;
  try {
    isLocal = await isLocalAccount(account);
    const facts = await readAccountFacts(account, container);
    return [await checkContainer(what, account, container, facts), checkHierarchy(facts)];
  } catch (error) {
    return [failed(what, error, remedyOfRefusal(error, { ...refusedLake, isLocal }))];
  }
}

async function checkContainer(
  what: string,
  account: StorageAccount,
  container: string,
  facts: AccountFacts,
): Promise<Finding> {
  if (!facts.hasContainer)
    return wrong(
      what,
      `${facts.account} has no container ${container}; the app makes it with its first event, if it may`,
      facts.isLocal
        ? `start the app, which makes it with the first event, or set LAKE_CONTAINER to the container that is there${ofLaptop}`
        : `az storage container create --account-name ${facts.account} --name ${container} --auth-mode login`,
    );
  try {
    const store = await openAzureBlobStore(account, container);
    await store.put(probe, Buffer.from('Written by npm run doctor. It can be deleted.\n'));
    await store.delete(probe);
    return ok(what, `${store.name} can be read and written`);
  } catch (error) {
    return failed(
      what,
      error,
      remedyOfRefusal(error, { ...refusedLake, isLocal: facts.isLocal }) ??
        `give the identity the role "${refusedLake.role}" on ${facts.account}, or set LakeStorage to a connection string that may write`,
    );
  }
}

function checkHierarchy({ account, hasHierarchy, isLocal }: AccountFacts): Finding {
  const what = 'lake folders';
  if (isLocal) return ok(what, 'an emulator, which needs no hierarchical namespace');
  if (hasHierarchy === undefined) return unknown(what, `${account} does not tell this login what it is`);
  if (hasHierarchy) return ok(what, `${account} has a hierarchical namespace`);
  return wrong(
    what,
    `${account} has no hierarchical namespace, so Synapse and Spark cannot read the lake by its dfs address`,
    `az storage account hns-migration start --type upgrade --name ${account} --resource-group GROUP`,
  );
}

function checkClock({ aheadMs, account }: AccountFacts): Finding[] {
  const what = 'clock';
  if (aheadMs === undefined) return [unknown(what, `${account} does not tell this login its time`)];
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  if (Math.abs(aheadMs) <= mostAheadMs) return [ok(what, 'this machine and storage agree on the time')];
  return [
    wrong(
      what,
      `this machine's clock is ${seconds} s ${aheadMs > 0 ? 'behind' : 'ahead of'} that of ${account}`,
      'set the clock: keys and tokens are refused if it is minutes wrong',
    ),
  ];
}
