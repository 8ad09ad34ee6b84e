using ZeroOS.Host.Loops;

namespace ZeroOS.Host.Machines;

/// <summary>
/// What a machine has to tell, in order, by a worker that may wait for a disk. It is bounded by not reading: when <see cref="IsFull"/>, the guest's connection
/// is not read until <see cref="Room"/> is called. <see cref="Add"/> is called on the loop's thread.
/// </summary>
internal sealed class MachineEventQueue(ILoopClient machine, MachineContext context)
{
    /// <summary>Actions of one machine that may wait before its guest is not read; each holds at most what one read brought.</summary>
    internal const int MaxWaiting = 4;

    private readonly OrderedWork _work = new(context.Telling);
    private int _waiting;

    /// <summary>Called on the loop's thread when there may be room again.</summary>
    public Action Room { get; set; } = () => { };

    /// <summary>Nothing more should be read from the guest now.</summary>
    public bool IsFull => _waiting >= MaxWaiting || (_waiting > 0 && context.Unstored.IsFull);

    /// <summary>Adds something to do that holds <paramref name="bytes"/> until it is done. What it throws is logged.</summary>
    public void Add(Action action, long bytes = 0)
    {
        _waiting++;
        context.Unstored.Take(bytes);
        _work.Post(() =>
        {
            try
            {
                action();
            }
            finally
            {
                context.Unstored.Give(bytes);
                context.Loop.Post(machine, Done);
            }
        });
    }

    /// <summary>Adds the last thing to do; from any thread.</summary>
    public void Post(Action action) => _work.Post(action);

    private void Done()
    {
        _waiting--;
        if (!IsFull)
            Room();
    }
}
