// SOQL, pages and deleted rows.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, error, TestOrg } from './salesforce/testing.mjs';

let org;
before(async () => {
  org = await TestOrg.start();
  const make = (records) => org.control('POST', 'records', records);
  await make({ Account: [
    { Name: 'Alder Works', Billhook_Id__c: 'cus_A', BillingCity: 'Kiel', NumberOfEmployees: 10, CreatedDate: '2020-01-01T00:00:00Z' },
    { Name: "O'Brien & Sons", Billhook_Id__c: 'cus_a', BillingCity: 'kiel', NumberOfEmployees: 20 },
    { Name: '50%_off \\ Shop', Billhook_Id__c: 'cus_c', Description: 'long' },
  ] });
  await make({ Contact: [
    { LastName: 'Rook', Email: 'rook@example.com', Account: { Billhook_Id__c: 'cus_A' }, HasOptedOutOfEmail: true },
    { LastName: 'Finch', Account: { Billhook_Id__c: 'cus_A' } }, { LastName: 'Wren' },
  ] });
  await make({ Opportunity: [{ Name: 'o1', StageName: 'Prospecting', CloseDate: '2026-03-01', Amount: 10, Account: { Billhook_Id__c: 'cus_A' } },
    { Name: 'o2', StageName: 'Closed Won', CloseDate: '2026-05-01', Amount: 20 }] });
  await make({ Task: [{ Subject: 't', What: { attributes: { type: 'Account' }, Billhook_Id__c: 'cus_A' } }] });
});
after(() => org.stop());

async function names(where, object = 'Account', field = 'Name') {
  const answer = await org.query(`SELECT ${field} FROM ${object} WHERE ${where}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.records.map((row) => row[field]).sort();
}

const A = 'Alder Works';
const B = "O'Brien & Sons";
const C = '50%_off \\ Shop';

test('shape of the answer', async () => {
  const answer = await org.query("select id, Name from account where Billhook_Id__c = 'cus_A'");
  const [row] = answer.json.records;
  assert.deepEqual(answer.json, { totalSize: 1, done: true, records: [{ attributes: { type: 'Account', url: `${BASE}/sobjects/Account/${row.Id}` }, Id: row.Id, Name: A }] });
  const plus = await org.call('GET', 'query?q=SELECT+COUNT()+FROM+Account');
  assert.deepEqual(plus.json, { totalSize: 3, done: true, records: [] });
});

test('comparisons', async () => {
  assert.deepEqual(await names("BillingCity = 'KIEL'"), [A, B]);
  assert.deepEqual(await names("Billhook_Id__c = 'cus_a'"), [B], 'case-sensitive field');
  assert.deepEqual(await names("BillingCity != 'Kiel'"), [C], 'null is unequal too');
  assert.deepEqual(await names('BillingCity = null'), [C]);
  assert.deepEqual(await names('BillingCity <> NULL'), [A, B]);
  assert.deepEqual(await names('NumberOfEmployees > 10'), [B]);
  assert.deepEqual(await names('NumberOfEmployees >= 10 AND NumberOfEmployees < 20'), [A]);
  assert.deepEqual(await names("Name IN ('Alder Works', 'x') OR Billhook_Id__c IN ('cus_c')"), [C, A]);
  assert.deepEqual(await names("Billhook_Id__c NOT IN ('cus_c')"), [A, B]);
  assert.deepEqual(await names("NOT (Name = 'Alder Works' OR Name = 'x')"), [C, B]);
  assert.deepEqual(await names('HasOptedOutOfEmail = true', 'Contact', 'LastName'), ['Rook']);
  assert.deepEqual(await names("Email = 'ROOK@example.com'", 'Contact', 'LastName'), ['Rook']);
});

test('strings: escapes and LIKE', async () => {
  assert.deepEqual(await names("Name = 'O\\'Brien & Sons'"), [B]);
  assert.deepEqual(await names("Name LIKE 'o%'"), [B]);
  assert.deepEqual(await names("Name LIKE '50\\%\\_off%'"), [C]);
  assert.deepEqual(await names("Name LIKE '_lder%'"), [A]);
  assert.deepEqual(await names("Name = '50%_off \\\\ Shop'"), [C]);
});

test('dates and literals', async () => {
  assert.deepEqual(await names('CloseDate = 2026-03-01', 'Opportunity'), ['o1']);
  assert.deepEqual(await names('CloseDate > 2026-03-01', 'Opportunity'), ['o2']);
  assert.deepEqual(await names('CreatedDate = TODAY'), [C, B]);
  assert.deepEqual(await names('CreatedDate < LAST_N_DAYS:30'), [A]);
  assert.deepEqual(await names('CreatedDate >= 2020-01-01T00:00:00Z AND CreatedDate <= 2020-01-01T00:00:00.000+00:00'), [A]);
});

test('parents, children, polymorphic names', async () => {
  const { json } = await org.query('SELECT LastName, Account.Name, Account.Owner.Username FROM Contact ORDER BY LastName');
  assert.equal(json.records[0].Account.Name, A);
  assert.equal(json.records[0].Account.Owner.Username, 'sync@billhook.example.com');
  assert.equal(json.records[2].Account, null);
  assert.deepEqual(await names("Account.Billhook_Id__c = 'cus_A'", 'Contact', 'LastName'), ['Finch', 'Rook']);
  const children = await org.query("SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC) FROM Account WHERE Billhook_Id__c IN ('cus_A','cus_c') ORDER BY Name DESC");
  assert.deepEqual(children.json.records[0].Contacts.records.map((row) => row.LastName), ['Rook', 'Finch']);
  assert.equal(children.json.records[1].Contacts, null);
  const task = await org.query("SELECT What.Name, What.Type FROM Task WHERE What.Type = 'Account'");
  assert.equal(task.json.records[0].What.Name, A);
  assert.deepEqual(await names("Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Rook')"), [A]);
});

test('order, limit, offset', async () => {
  const list = async (tail) => (await org.query(`SELECT Name FROM Account ${tail}`)).json.records.map((row) => row.Name);
  assert.deepEqual(await list('ORDER BY NumberOfEmployees'), [C, A, B]);
  assert.deepEqual(await list('ORDER BY NumberOfEmployees DESC'), [B, A, C]);
  assert.deepEqual(await list('ORDER BY NumberOfEmployees ASC NULLS LAST LIMIT 2'), [A, B]);
  assert.deepEqual(await list('ORDER BY BillingCity, Name LIMIT 1 OFFSET 1'), [A]);
  assert.deepEqual(await list('LIMIT 0'), []);
});

test('errors', async () => {
  const fails = async (soql, code, message) => {
    const answer = await org.query(soql);
    assert.equal(answer.status, 400, soql);
    assert.equal(error(answer).errorCode, code, answer.text);
    assert.match(error(answer).message, message);
    assert.equal('fields' in error(answer), false);
  };
  await fails('SELCT Id FROM Account', 'MALFORMED_QUERY', /^unexpected token: SELCT$/);
  await fails('SELECT Id FROM', 'MALFORMED_QUERY', /unexpected token: <EOF>/);
  await fails('SELECT B__c FROM Account', 'INVALID_FIELD', /^\nSELECT B__c FROM Account\n {7}\^\nERROR at Row:1:Column:8\nNo such column 'B__c' on entity 'Account'\. If you are/);
  await fails('SELECT Id FROM Acount', 'INVALID_TYPE', /\nERROR at Row:1:Column:16\nsObject type 'Acount' is not supported\./);
  await fails('SELECT Nope.Name FROM Contact', 'INVALID_FIELD', /Didn't understand relationship 'Nope'/);
  await fails("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", 'MALFORMED_QUERY', /unexpected token: OR/);
  await fails("SELECT Id FROM Account WHERE NumberOfEmployees = '5'", 'INVALID_FIELD', /must be of type int and should not be enclosed in quotes/);
  await fails('SELECT Id FROM Account WHERE Name = 5', 'INVALID_FIELD', /should be enclosed in quotes/);
  await fails("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", 'INVALID_FIELD', /type datetime/);
  await fails("SELECT Id FROM Account WHERE Description = 'x'", 'INVALID_FIELD', /can not be filtered/);
  await fails("SELECT Id FROM Account WHERE Id = 'abc'", 'INVALID_QUERY_FILTER_OPERATOR', /invalid ID field: abc/);
  await fails("SELECT Id FROM Account WHERE Name = 'open", 'MALFORMED_QUERY', /not closed/);
  await fails("SELECT Id FROM Account WHERE Name = 'a\\q'", 'MALFORMED_QUERY', /Invalid string literal/);
  await fails('SELECT Id, Id FROM Account', 'INVALID_FIELD', /duplicate field selected/);
  assert.equal((await org.call('GET', 'query')).status, 400);
});

test('pages', async () => {
  await org.control('POST', 'records', { Billhook_Subscription__c: Array.from({ length: 450 }, (_, i) => ({ Name: `S-${i}` })) });
  const first = await org.query('SELECT Id FROM Billhook_Subscription__c', { 'Sforce-Query-Options': 'batchSize=200' });
  assert.deepEqual([first.json.totalSize, first.json.done, first.json.records.length], [450, false, 200]);
  assert.match(first.json.nextRecordsUrl, /^\/services\/data\/v67\.0\/query\/0r8\w+-200$/);
  const second = await org.call('GET', first.json.nextRecordsUrl);
  const third = await org.call('GET', second.json.nextRecordsUrl);
  assert.deepEqual([third.json.done, third.json.records.length, third.json.nextRecordsUrl], [true, 50, undefined]);
  const ids = [first, second, third].flatMap((page) => page.json.records.map((row) => row.Id));
  assert.equal(new Set(ids).size, 450);
  const gone = await org.call('GET', 'query/0r8000000000000-200');
  assert.deepEqual([gone.status, error(gone).errorCode], [400, 'INVALID_QUERY_LOCATOR']);
});

test('deleted rows: queryAll, deleted list, merge winner', async () => {
  const [winner, loser] = [await org.create('Account', { Name: 'Winner' }), await org.create('Account', { Name: 'Loser', Billhook_Id__c: 'cus_lost' })];
  const contact = await org.create('Contact', { LastName: 'Moved', AccountId: loser });
  await org.control('POST', 'merge', { object: 'Account', winner, losers: [loser] });
  assert.equal((await org.query(`SELECT Id FROM Account WHERE Id = '${loser}'`)).json.totalSize, 0);
  const all = await org.call('GET', `queryAll?q=${encodeURIComponent("SELECT Id, IsDeleted, MasterRecordId FROM Account WHERE Name = 'Loser'")}`);
  assert.deepEqual([all.json.records[0].IsDeleted, all.json.records[0].MasterRecordId], [true, winner]);
  assert.equal((await org.call('GET', `sobjects/Contact/${contact}`)).json.AccountId, winner);
  const again = await org.call('PATCH', 'sobjects/Account/Billhook_Id__c/cus_lost', { Name: 'Silent twin' });
  assert.equal(again.json.created, true);
  const time = (shift) => encodeURIComponent(new Date(Date.now() + shift).toISOString());
  const list = await org.call('GET', `sobjects/Account/deleted/?start=${time(-3600e3)}&end=${time(60e3)}`);
  assert.ok(list.json.deletedRecords.some((row) => row.id === loser));
  assert.equal((await org.call('GET', `sobjects/Account/deleted/?start=${time(-1000)}&end=${time(0)}`)).status, 400);
});
