using ZeroOS.Contracts.Init;
using ZeroOS.Linux;

namespace ZeroOS.Node.Screen;

/// <summary>
/// The page on the computer's own screen. One thread looks once a second and writes what changed; the terminal, set up by PID 1, is only ever written to.
/// A computer without a screen has none, and nothing else changes.
/// </summary>
internal sealed class NodeScreen
{
    private const int LookEveryMs = 1000, PaintWholeEvery = 60;
    private readonly FileDescriptor _terminal;
    private readonly Func<ScreenFacts> _facts;
    private readonly ILog _log;
    private readonly ScreenPainter _painter = new();
    private readonly AutoResetEvent _changed = new(false);
    private string _trouble = "";

    /// <summary>Shows what <paramref name="facts"/> says, which is asked on the screen's own thread.</summary>
    internal NodeScreen(FileDescriptor terminal, Func<ScreenFacts> facts, ILog log) => (_terminal, _facts, _log) = (terminal, facts, log);

    /// <summary>The terminal PID 1 gave this process at birth; something that is no terminal where the computer has no screen.</summary>
    internal static FileDescriptor FromInit()
    {
        const int Number = InitLimits.FirstDescriptor + 1;
        CurrentThread.CloseOnExec(Number, Number);
        return new FileDescriptor(Number);
    }

    /// <summary>Begins to show.</summary>
    internal void Start()
    {
        if (VirtualTerminal.Size(_terminal) is not null)
            new Thread(Run) { Name = "screen", IsBackground = true }.Start();
    }

    /// <summary>Something changed that should be seen soon.</summary>
    internal void Look() => _changed.Set();

    /// <summary>Shows what there is to say now, before it returns.</summary>
    internal void Show(bool whole = false)
    {
        lock (_painter)
        {
            try
            {
                if (whole)
                    _painter.Forget();
                if (VirtualTerminal.Size(_terminal) is var (rows, columns))
                    _terminal.Write(_painter.Paint(ScreenLayout.Compose(_facts(), rows, columns)).Span);
            }
            catch (Exception e)
            {
                // Of a supervisor loop: whatever cannot be shown now, the node goes on, and the next second is another chance.
                if (_trouble != e.Message)
                    _log.Warn($"screen: {e.GetType().Name}: {e.Message}");
                _trouble = e.Message;
                _painter.Forget();
            }
        }
    }

    private void Run()
    {
        for (int looks = 1; ; looks++)
        {
            // The kernel's last words and PID 1's own go to the same screen: from time to time it is painted as if nothing were known.
            Show(whole: looks % PaintWholeEvery == 0);
            _changed.WaitOne(LookEveryMs);
        }
    }
}
