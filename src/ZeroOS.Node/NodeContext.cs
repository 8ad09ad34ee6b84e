using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Node.Screen;

namespace ZeroOS.Node;

/// <summary>What role <c>node</c> has before its first step.</summary>
/// <param name="Init">PID 1.</param>
/// <param name="Left">What a former node left at PID 1.</param>
/// <param name="Fetchers">Starts role fetch.</param>
/// <param name="Log">The one log of the role.</param>
/// <param name="Overview">What is there so far, for those who look from other threads.</param>
/// <param name="Screen">The page on the computer's screen.</param>
/// <param name="Steps">Runs the steps of the start.</param>
/// <param name="StartAgain">Ends the process, so that PID 1 starts the role anew; machines go on.</param>
internal sealed record NodeContext(InitConnection Init, HandedOver Left, FetchProcesses Fetchers, QueuedLog Log, NodeOverview Overview, NodeScreen Screen,
    StartSteps Steps, Action StartAgain)
{
    /// <summary>PID 1 starts the door, and another whenever that one ends; what it says is the bus's to judge.</summary>
    public void OpenDoor(Bus.NodeBus bus)
    {
        bus.DoorBroken += () =>
        {
            try
            {
                Init.ReplaceDoor();
            }
            catch (InitRefusedException e)
            {
                Log.Warn($"door: {e.Message}");
            }
        };
        Init.DoorOpened += bus.Attach;
        Init.OpenDoor();
    }
}
