/** The types of triggers whose functions are scaled together. */
const sharedGroups: Readonly<Record<string, string>> = {
  httpTrigger: 'http',
  orchestrationTrigger: 'durable',
  activityTrigger: 'durable',
};

/**
 * The scale group of a function on Flex Consumption: the instances of a group run its functions and no others. All HTTP functions are
 * one group, all of Durable Functions another, and each other function is a group of its own, by its name.
 */
export const scaleGroupOf = (name: string, triggerType: string | undefined): string =>
  sharedGroups[triggerType ?? ''] ?? name;
