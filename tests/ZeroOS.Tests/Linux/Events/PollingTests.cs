using System.Diagnostics;
using System.Runtime.InteropServices;

using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux.Events;

public sealed partial class PollingTests
{
    private const int SIGWINCH = 28;

    [Fact]
    public void A_signal_neither_answers_nor_ends_the_wait_and_the_time_is_kept()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        using (read)
        using (write)
        using (PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => { }))
        {
            Assert.False(InterruptedWait(read, 300, () => { }, out TimeSpan took));
            Assert.InRange(took, TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(20));
            Assert.True(InterruptedWait(read, 60_000, () => write.Write("x"u8), out _));
        }
    }

    private static bool InterruptedWait(FileDescriptor read, int timeoutMs, Action afterSignals, out TimeSpan took)
    {
        int waiting = 0;
        bool readable = false;
        long begun = Stopwatch.GetTimestamp();
        Thread waiter = new(() =>
        {
            Volatile.Write(ref waiting, KickSignal.ThisThread);
            readable = Polling.IsReadable(read, timeoutMs);
        });
        waiter.Start();
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref waiting) != 0, TimeSpan.FromSeconds(20)));
        // The thread may have ended between two signals, where its time was short: then there is nobody to interrupt.
        for (int i = 0; i < 10 && !waiter.Join(10); i++)
            _ = tgkill(Environment.ProcessId, waiting, SIGWINCH);
        afterSignals();
        Assert.True(waiter.Join(TimeSpan.FromSeconds(30)));
        took = Stopwatch.GetElapsedTime(begun);
        return readable;
    }

    [LibraryImport("libc")]
    private static partial int tgkill(int process, int thread, int signal);
}
