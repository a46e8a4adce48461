/*
 * The form of names that Azure allows. If a name has another form, the service answers as if nobody had made the hub or group.
 */

const nameForm = /^[a-z0-9](?:[\w.-]*[a-z0-9])?$/i;

/** The characters that the name of a hub, a policy or a consumer group may have, in words. */
export const nameSigns = 'of the letters a to z, digits, ., - and _, with a letter or digit at both ends';

export const hubNameForm = `the name of an event hub, ${nameSigns}`;

export const isHubName = (text: string): boolean => nameForm.test(text) && text.length <= 256;

export const consumerGroupForm = `a consumer group: at most 50 characters ${nameSigns}, or $Default`;

export const isConsumerGroup = (text: string): boolean =>
  (nameForm.test(text) && text.length <= 50) || text.toLowerCase() === '$default';
