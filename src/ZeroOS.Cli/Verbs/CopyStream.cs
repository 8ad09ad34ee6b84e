using System.Globalization;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Trees;

namespace ZeroOS.Cli.Verbs;

/// <summary>What both directions of a copy have in common: notes, progress, and how it ends.</summary>
/// <param name="copy">The begun session.</param>
/// <param name="options">How the copy is made.</param>
internal abstract class CopyStream(Session copy, CopyOptions options)
{
    /// <summary>Bytes that are moved at once.</summary>
    protected const int CopyBytes = 64 << 10;

    private long _moved;

    /// <summary>The begun session.</summary>
    protected Session Copy => copy;

    /// <summary>How the copy is made.</summary>
    protected CopyOptions Options => options;

    /// <summary>So many bytes were moved.</summary>
    protected void Moved(int bytes)
    {
        _moved += bytes;
        options.Progress?.Show(string.Create(CultureInfo.InvariantCulture, $"copied {_moved / 1048576.0:0.0} MiB"));
    }

    /// <summary>Shows what the other side has to say until it says no more.</summary>
    protected async Task ShowNotesAsync()
    {
        await foreach (SessionEvent told in copy.Events.ReadAllAsync())
        {
            if (told.Type == SessionFrameType.Note)
                options.Terminal.Complain(told.Sentence);
        }
    }

    /// <summary>Who watches what is read or written here.</summary>
    protected sealed class Watcher(CopyOptions options, CancellationToken cancellation) : ITreeWatcher
    {
        /// <inheritdoc/>
        public void Note(string sentence) => options.Terminal.Complain(sentence);

        /// <inheritdoc/>
        public void Moved(int bytes) => cancellation.ThrowIfCancellationRequested();
    }
}
