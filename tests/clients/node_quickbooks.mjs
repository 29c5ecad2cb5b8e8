// Drives npm's node-quickbooks against a running sandbox: create, read, update, query, batch, change
// data capture, PDF, send, void, delete, upload, and a token of its own. How to run it stands in docs/sandbox.md.
//
//   node node_quickbooks.mjs FOLDER-WITH-NODE_MODULES http://127.0.0.1:PORT

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";

const [folder, address] = process.argv.slice(2);
const QuickBooks = createRequire(path.join(path.resolve(folder), "index.js"))("node-quickbooks");
const facts = await (await fetch(`${address}/sandbox/info`)).json();

QuickBooks.V3_ENDPOINT_BASE_URL = `${facts.quickbooks_url}/company/`;
QuickBooks.TOKEN_URL = `${address}/oauth2/v1/tokens/bearer`;
QuickBooks.REVOKE_URL = `${address}/v2/oauth2/tokens/revoke`;

const client = new QuickBooks(
  facts.client_id, facts.client_secret, facts.access_token, false, facts.realm_id,
  true, false, 75, "2.0", facts.refresh_token,
);
const ask = async (name, ...args) => {
  await new Promise((resolve) => setTimeout(resolve, 250)); // some make two calls; ten a second are the limit
  return promisify(client[name].bind(client))(...args);
};
const stamp = Date.now().toString(36);
let checks = 0;
const check = (name, claim) => { assert.ok(claim, name); checks += 1; };

await ask("refreshAccessToken");
check("token refreshed", client.token && client.token !== facts.access_token);

// Customers: create, read, sparse update, duplicate name refused.
const customer = await ask("createCustomer", { DisplayName: `Node ${stamp}` });
check("customer read back", (await ask("getCustomer", customer.Id)).DisplayName === `Node ${stamp}`);
const changed = await ask("updateCustomer", { Id: customer.Id, SyncToken: customer.SyncToken, sparse: true, GivenName: "Ada" });
check("customer updated", changed.GivenName === "Ada" && changed.SyncToken === "1");
const refusal = await ask("createCustomer", { DisplayName: `Node ${stamp}` }).catch((error) => error.response?.data ?? error);
check("duplicate name refused", refusal.Fault.Error[0].code === "6240");

// Estimate and invoice, linked; totals are the server's.
const items = await ask("findItems", [{ field: "Type", value: "Service" }, { field: "limit", value: 1 }]);
const item = items.QueryResponse.Item[0];
const line = { Amount: 200, DetailType: "SalesItemLineDetail", SalesItemLineDetail: { ItemRef: { value: item.Id }, TaxCodeRef: { value: "NON" } } };
const form = { CustomerRef: { value: customer.Id }, Line: [line], BillEmail: { Address: "node@example.com" } };
const estimate = await ask("createEstimate", { ...form, TxnStatus: "Accepted" });
const invoice = await ask("createInvoice", { ...form, LinkedTxn: [{ TxnId: estimate.Id, TxnType: "Estimate" }] });
check("invoice total", invoice.TotalAmt === 200 && invoice.Balance === 200);
check("estimate converted", (await ask("getEstimate", estimate.Id)).TxnStatus === "Converted");
const twice = await ask("createInvoice", { ...form, LinkedTxn: [{ TxnId: estimate.Id, TxnType: "Estimate" }] }).catch((error) => error.response?.data ?? error);
check("second link refused", twice.Fault.Error[0].code === "6000");
const stale = await ask("updateCustomer", { Id: customer.Id, SyncToken: "0", sparse: true, GivenName: "Eve" }).catch((error) => error.response?.data ?? error);
check("stale token refused", stale.Fault.Error[0].code === "5010");

// Money.
const payment = await ask("createPayment", { CustomerRef: { value: customer.Id }, TotalAmt: 50, Line: [{ Amount: 50, LinkedTxn: [{ TxnId: invoice.Id, TxnType: "Invoice" }] }] });
check("balance after payment", (await ask("getInvoice", invoice.Id)).Balance === 150);

// Queries: operators, order, count, paging.
const mine = await ask("findInvoices", [{ field: "CustomerRef", value: customer.Id, operator: "=" }, { field: "TotalAmt", value: "100", operator: ">" }]);
check("query by customer", mine.QueryResponse.Invoice.length === 1);
const count = await ask("findCustomers", [{ field: "DisplayName", value: "Node %", operator: "LIKE" }, { count: true }]);
check("count", count.QueryResponse.totalCount >= 1);
const sorted = await ask("findCustomers", [{ field: "desc", value: "DisplayName" }, { field: "limit", value: 3 }]);
check("sorted page", sorted.QueryResponse.Customer.length === 3);

// Batch: each item has its own answer.
const batch = await ask("batch", [
  { bId: "1", operation: "create", Customer: { DisplayName: `Batch ${stamp}` } },
  { bId: "2", operation: "create", Customer: { DisplayName: `Batch ${stamp}` } },
  { bId: "3", Query: `select * from Invoice where Id = '${invoice.Id}'` },
]);
const answers = Object.fromEntries(batch.BatchItemResponse.map((row) => [row.bId, row]));
check("batch created", answers["1"].Customer.Id);
check("batch refused one", answers["2"].Fault.Error[0].code === "6240");
check("batch queried", answers["3"].QueryResponse.Invoice[0].Id === invoice.Id);

// Change data capture.
const since = new Date(Date.now() - 60_000);
const changes = await ask("changeDataCapture", ["Invoice", "Customer"], since);
const told = changes.CDCResponse[0].QueryResponse.flatMap((row) => row.Invoice ?? []);
check("cdc has the invoice", told.some((row) => row.Id === invoice.Id));

// Paper, mail, files.
const pdf = Buffer.from(await ask("getInvoicePdf", invoice.Id));
check("pdf", pdf.subarray(0, 5).toString() === "%PDF-");
check("sent", (await ask("sendInvoicePdf", invoice.Id, "node@example.com")).EmailStatus === "EmailSent");
const file = await ask("upload", "note.txt", "text/plain", Buffer.from("hello"), "Invoice", invoice.Id);
check("uploaded", (file.Attachable ?? file[0]?.Attachable ?? file).FileName === "note.txt");

// The end: void, delete.
await ask("voidPayment", { ...(await ask("getPayment", payment.Id)) });
check("balance after void", (await ask("getInvoice", invoice.Id)).Balance === 200);
await ask("deleteInvoice", invoice.Id);
const gone = await ask("getInvoice", invoice.Id).catch((error) => error.response?.data ?? error);
check("deleted", gone.Fault.Error[0].code === "610");
const later = await ask("changeDataCapture", ["Invoice"], since);
const stubs = later.CDCResponse[0].QueryResponse.flatMap((row) => row.Invoice ?? []);
check("cdc has the stub", stubs.some((row) => row.Id === invoice.Id && row.status === "Deleted"));

console.log(JSON.stringify({ client: "node-quickbooks", checks, failed: 0 }));
