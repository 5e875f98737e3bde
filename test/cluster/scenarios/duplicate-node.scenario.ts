import { type Scenario, someNode } from '../scenario.ts';

/** Somebody starts a second process under the name of a node that runs. It has to say so and end; nobody else may be harmed. */
export const duplicateNode: Scenario = {
  name: 'duplicate-node',
  async run(scene) {
    const node = someNode(scene);
    scene.log(`a second ${node.id} is started`);
    const said = await node.startDuplicate().then(
      async duplicate => {
        await duplicate.kill('SIGKILL');
        throw new Error(`A second ${node.id} became ready:\n${duplicate.output()}`);
      },
      (error: Error) => error.message,
    );
    const sentence = /^Skein could not start\. .*$/m.exec(said)?.[0];
    if (!said.startsWith('Ended (1)') || !sentence?.includes(node.id))
      throw new Error(`A second ${node.id} did not end with a sentence that names it:\n${said}`);
    scene.log(sentence);
    if (!node.running) throw new Error(`${node.id} ended because somebody started a second one:\n${node.output()}`);
  },
};
