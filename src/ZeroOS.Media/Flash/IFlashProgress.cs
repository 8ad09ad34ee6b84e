namespace ZeroOS.Media.Flash;

/// <summary>Who is told how far a flash is: step after step, one at a time, from the thread that writes.</summary>
internal interface IFlashProgress
{
    /// <summary>A step begins; the total is null when nobody knows it.</summary>
    void Begin(string step, long? totalBytes);

    /// <summary>So many bytes of the step are done.</summary>
    void At(long bytes);

    /// <summary>The step is done, with so many bytes.</summary>
    void End(long bytes);
}
