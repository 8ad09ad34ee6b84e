namespace ZeroOS.Node;

/// <summary>
/// What role <c>node</c> has become after its start: a <see cref="FullNode"/> or a <see cref="RecoveryNode"/>. For the thread that started it.
/// </summary>
internal interface IRunningNode
{
    /// <summary>Every step is done: says so, and begins what waits for that.</summary>
    void Ready();

    /// <summary>The role starts anew, and machines go on: what was answered leaves before this process does.</summary>
    void HangUp();

    /// <summary>The computer goes down: nobody asks for more, guests stop with grace, the store is closed.</summary>
    void Stop();
}
