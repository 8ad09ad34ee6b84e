namespace ZeroOS.Trees;

/// <summary>Passes on the first sentences about one copy, and counts the others.</summary>
internal sealed class TreeNotes(ITreeWatcher watcher)
{
    private int _count;

    internal void Add(string sentence)
    {
        if (_count++ < TreeLimits.Notes)
            watcher.Note(sentence);
    }

    /// <summary>Says how many were not passed on.</summary>
    internal void End()
    {
        if (_count > TreeLimits.Notes)
            watcher.Note($"and {_count - TreeLimits.Notes} more of this kind");
    }
}
